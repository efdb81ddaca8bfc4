package mvcctest

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// needy is a reader that knows the locks and otherwise only what it was told, as a shard's
// view is after a change of leader.
type needy struct {
	e     Engine
	start timestamp.Timestamp
	facts map[mvcc.Key]mvcc.Fact
}

func (n *needy) Lock(k mvcc.Key) (mvcc.Lock, bool) { return n.e.Lock(k) }

func (n *needy) Newest(k mvcc.Key, above timestamp.Timestamp) (mvcc.Version, bool, error) {
	f, ok := n.facts[k]
	if !ok {
		return mvcc.Version{}, false, &mvcc.NeedError{Key: k}
	}
	return f.Newest, f.Newest.Key != "" && f.Newest.CommitTS > above, nil
}

func (n *needy) Current(k mvcc.Key) (mvcc.Version, bool, error) {
	f, ok := n.facts[k]
	if !ok {
		return mvcc.Version{}, false, &mvcc.NeedError{Key: k}
	}
	return f.Current, f.Current.Key != "", nil
}

func (n *needy) Own(k mvcc.Key, start timestamp.Timestamp) (mvcc.Record, bool, error) {
	f, ok := n.facts[k]
	if !ok || start != n.start {
		return mvcc.Record{}, false, &mvcc.NeedError{Key: k}
	}
	return f.Own, f.Own.Decision != mvcc.Undecided, nil
}

// learn asks the engine what was needed.
func (n *needy) learn(k mvcc.Key) error {
	f := mvcc.Fact{Key: k, StartTS: n.start}
	var err error
	if f.Newest, _, err = n.e.Newest(k, 0); err != nil {
		return err
	}
	if f.Current, _, err = n.e.Current(k); err != nil {
		return err
	}
	if f.Own, _, err = n.e.Own(k, n.start); err != nil {
		return err
	}
	n.facts[k] = f
	return nil
}

// answer is all that a rule says.
type answer struct {
	rows   mvcc.Rows
	result any
	err    error
}

// rule is one request with everything but its reader.
type rule func(r mvcc.Reader) (mvcc.Rows, any, error)

// evaluate asks the rule three times, see the package comment.
func evaluate(e Engine, start timestamp.Timestamp, f rule) (answer, error) {
	ask := func(r mvcc.Reader) answer {
		rows, result, err := f(r)
		return answer{rows, result, err}
	}
	first, second := ask(e), ask(e)
	if !reflect.DeepEqual(first, second) {
		return answer{}, fmt.Errorf("asked twice, the rule answers %+v and then %+v", first, second)
	}
	n := &needy{e: e, start: start, facts: map[mvcc.Key]mvcc.Fact{}}
	third := ask(n)
	for {
		need, ok := third.err.(*mvcc.NeedError) // as it was: a shard looks no deeper
		if !ok {
			break
		}
		if !third.rows.Empty() {
			return answer{}, errors.New("rows came along with a NeedError")
		}
		if _, known := n.facts[need.Key]; known {
			return answer{}, fmt.Errorf("%w, which were given", need)
		}
		if err := n.learn(need.Key); err != nil {
			return answer{}, err
		}
		third = ask(n)
	}
	if !reflect.DeepEqual(first, third) {
		return answer{}, fmt.Errorf("with facts looked up the rule answers %+v instead of %+v", third, first)
	}
	if first.err != nil && !first.rows.Empty() {
		return answer{}, fmt.Errorf("rows came along with the error %w", first.err)
	}
	return first, nil
}
