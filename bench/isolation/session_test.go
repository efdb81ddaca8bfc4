package isolation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// none is what a key without a value is said to hold.
const none = "none"

// session is one of those who act: a client process with a transaction open. One goroutine
// at a time uses it.
type session struct {
	name string
	lane *lane
	p    process
	keys []string // of the scenario

	tx      *txn.Txn
	mode    mode
	last    map[string]string          // what it saw of each key last
	saw     map[string]map[string]bool // and ever
	wrote   map[string]bool            // in this transaction
	commits bool                       // its last transaction is committed
}

func newSession(l *lane, name string, process int, keys []string) *session {
	return &session{name: name, lane: l, p: l.w.clients[process%processes], keys: keys,
		last: map[string]string{}, saw: map[string]map[string]bool{}, wrote: map[string]bool{}}
}

// do runs a step and says in a few words what came of it.
func (s *session) do(ctx context.Context, st *step) string {
	var rows []row
	var err error
	if s.name == "db" {
		rows, err = s.direct(ctx, st)
	} else if st.verb == "begin" {
		err = s.begin(ctx, st.args)
	} else if s.tx == nil {
		err = errors.New("no transaction is open")
	} else {
		rows, err = s.act(ctx, st)
	}
	if err != nil {
		return outcome(err)
	}
	s.see(rows)
	if st.verb == "scan" {
		s.seeAbsent(st.args, rows)
	}
	return answer(st, rows)
}

// outcome names an error by what its caller does.
func outcome(err error) string {
	var conflict *mvcc.WriteConflictError
	var gone *mvcc.TxnAbortedError
	var deadlock *mvcc.DeadlockError
	var exists *mvcc.AlreadyExistsError
	var unknown *mvcc.UndeterminedError
	switch {
	case errors.As(err, &unknown), errors.Is(err, context.Canceled):
		return "unknown"
	case errors.As(err, &conflict), errors.As(err, &gone):
		return "aborted"
	case errors.As(err, &deadlock):
		return "deadlock"
	case errors.As(err, &exists):
		return "exists"
	case errors.Is(err, txn.ErrReadOnly):
		return "read-only"
	case errors.Is(err, txn.ErrEnded):
		return "over"
	}
	return fmt.Sprintf("%T: %v", err, err)
}

// answer prints what a step brought.
func answer(st *step, rows []row) string {
	verb := strings.TrimSuffix(st.verb, "!")
	switch {
	case verb != "get" && verb != "scan":
		return "ok"
	case len(rows) == 0:
		return "nothing"
	case verb == "get" && len(rows) == 1:
		return rows[0].value
	}
	words := make([]string, len(rows))
	for i, r := range rows {
		words[i] = r.String()
	}
	return strings.Join(words, " ")
}

func (s *session) begin(ctx context.Context, args []string) error {
	s.mode = s.lane.mode
	options := map[string][]txn.TxnOption{"optimistic": nil, "pessimistic": {txn.Pessimistic()},
		"serializable": {txn.Serializable()}, "readonly": {txn.ReadOnly()}}
	name := s.mode.String()
	if len(args) > 0 {
		name = args[0]
		s.mode = optimistic
	}
	chosen, ok := options[name]
	if !ok {
		return fmt.Errorf("%q is no mode", name)
	}
	if name == pessimistic.String() {
		s.mode = pessimistic
	}
	var err error
	s.tx, err = s.p.db.Begin(ctx, chosen...)
	clear(s.wrote)
	s.commits = false
	return err
}

// act runs a step of the open transaction.
func (s *session) act(ctx context.Context, st *step) ([]row, error) {
	verb, claims := strings.CutSuffix(st.verb, "!")
	claims = claims && s.mode == pessimistic
	switch verb {
	case "get":
		return s.get(ctx, st.args, claims)
	case "scan":
		return s.scan(ctx, st.args)
	case "savepoint":
		return nil, s.tx.Savepoint(st.args[0])
	case "rollback-to":
		return nil, s.tx.RollbackTo(st.args[0])
	case "rollback":
		return nil, s.tx.Rollback(ctx)
	case "commit":
		return nil, s.commit(ctx, st.args)
	}
	if claims {
		if _, err := s.tx.GetForUpdate(ctx, s.lane.key(st.args[0])); err != nil {
			return nil, err
		}
	}
	return nil, s.write(verb, st.args)
}

func (s *session) write(verb string, args []string) error {
	k := s.lane.key(args[0])
	s.wrote[args[0]] = true
	if verb == "del" {
		return s.tx.Delete(k)
	}
	value, err := s.value(args[1])
	if err != nil {
		return err
	}
	switch verb {
	case "put":
		return s.tx.Put(k, []byte(value))
	case "insert":
		return s.tx.Insert(k, []byte(value))
	case "add":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return err
		}
		return s.tx.Add(k, n)
	}
	return fmt.Errorf("%q writes nothing", verb)
}

// value computes x+1 from what was last seen of x; what has no plus stands for itself.
func (s *session) value(text string) (string, error) {
	name, plus, ok := strings.Cut(text, "+")
	if !ok {
		return text, nil
	}
	seen, err := strconv.Atoi(s.last[name])
	more, e := strconv.Atoi(plus)
	if err := errors.Join(err, e); err != nil {
		return "", fmt.Errorf("%s: %w", text, err)
	}
	return strconv.Itoa(seen + more), nil
}

func (s *session) get(ctx context.Context, names []string, claims bool) ([]row, error) {
	keys := make([]mvcc.Key, len(names))
	for i, name := range names {
		keys[i] = s.lane.key(name)
	}
	read := s.tx.MultiGet
	if claims {
		read = s.tx.MultiGetForUpdate
	}
	entries, err := read(ctx, keys...)
	return s.rows(entries), err
}

func (s *session) rows(entries []txn.Entry) []row {
	var rows []row
	for _, e := range entries {
		value := none
		if e.Found {
			value = string(e.Value)
		}
		rows = append(rows, row{s.lane.name(e.Key), value})
	}
	return rows
}

func (s *session) scan(ctx context.Context, args []string) ([]row, error) {
	span := s.span(args)
	var entries []txn.Entry
	for e, err := range s.tx.Scan(ctx, span.Start, span.End) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return s.rows(entries), nil
}

// span is what a scan's arguments name.
func (s *session) span(args []string) mvcc.Span {
	bounds := append(append([]string{}, args...), "", "")
	return s.lane.span(bounds[0], bounds[1])
}

// direct runs a step without a transaction.
func (s *session) direct(ctx context.Context, st *step) ([]row, error) {
	switch k := s.lane.key(st.args[0]); st.verb {
	case "put":
		return nil, s.p.db.Put(ctx, k, []byte(st.args[1]))
	case "add":
		n, err := strconv.ParseInt(st.args[1], 10, 64)
		if err != nil {
			return nil, err
		}
		return nil, s.p.db.Add(ctx, k, n)
	case "get":
		var entries []txn.Entry
		for _, name := range st.args {
			e, err := s.p.db.Get(ctx, s.lane.key(name))
			if err != nil {
				return nil, err
			}
			entries = append(entries, e)
		}
		return s.rows(entries), nil
	}
	return nil, fmt.Errorf("%q needs a transaction", st.verb)
}

// commit commits, and reads the writes again at exactly the commit timestamp: an outcome that
// is asked for twice must be the same one.
func (s *session) commit(ctx context.Context, args []string) error {
	within := ctx
	if len(args) > 0 {
		faults := map[string]fault{"unheard": faultUnheard, "half": faultHalf}
		f, ok := faults[args[0]]
		if !ok {
			return fmt.Errorf("%q is no fault", args[0])
		}
		var cancel context.CancelFunc
		within, cancel = context.WithCancel(ctx)
		defer cancel()
		s.p.faults.arm(s.tx.ID(), f, cancel)
	}
	if err := s.tx.Commit(within); err != nil {
		return err
	}
	s.commits = true
	return s.audit(ctx)
}

// audit looks for the writes of the committed transaction at its commit timestamp. After a
// savepoint was rolled back to, some of them are none: then nothing of it is newer.
func (s *session) audit(ctx context.Context) error {
	at := s.tx.CommitTS()
	var keys []mvcc.Key
	for name := range s.wrote {
		keys = append(keys, s.lane.key(name))
	}
	if len(keys) == 0 {
		return nil
	}
	_, versions, err := s.p.db.Coordinator().Get(ctx, txn.Read{TS: at}, keys)
	if err != nil {
		return fmt.Errorf("read at the commit timestamp: %w", err)
	}
	found := 0
	for _, v := range versions {
		if v.Op == mvcc.OpPut && v.CommitTS > at {
			return fmt.Errorf("a read at %s brought a version of %s", at, v.CommitTS)
		}
		if v.Op == mvcc.OpDelete || v.CommitTS == at {
			found++
		}
	}
	if found == 0 {
		return fmt.Errorf("nothing that %s wrote is there at its commit timestamp %s", s.name, at)
	}
	return nil
}

// see notes what was read.
func (s *session) see(rows []row) {
	for _, r := range rows {
		if s.saw[r.name] == nil {
			s.saw[r.name] = map[string]bool{}
		}
		s.saw[r.name][r.value] = true
		s.last[r.name] = r.value
	}
}

// seeAbsent notes what a scan did not bring.
func (s *session) seeAbsent(args []string, rows []row) {
	there := map[string]bool{}
	for _, r := range rows {
		there[r.name] = true
	}
	for _, name := range s.keys {
		if !there[name] && s.span(args).Contains(s.lane.key(name)) {
			s.see([]row{{name, none}})
		}
	}
}
