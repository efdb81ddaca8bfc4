package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdPut: put k=v… [start=N] [auto] [op=add|append] [read=N] [reads=k+k] [node=N] [as=NAME]
// [still] [show] writes in one phase. Without start it is an autocommit at a fresh timestamp;
// with reads it is serializable; "show" prints timestamps.
func (s *script) cmdPut() string {
	a := s.content()
	a.OnePhase = true
	a.Autocommit = s.at("start") == 0 || s.has("auto")
	return s.ask(s.member(), a)
}

// content is the prewrite that the arguments ask for.
func (s *script) content() *mvcc.PrewriteArgs {
	start := s.at("start")
	if start == 0 {
		start = s.c.Timestamp()
	}
	a := &mvcc.PrewriteArgs{Start: start, Expires: start.Add(s.lifetime()), Digest: mvcc.Digest{byte(start), 1}}
	a.ReadTS, a.ReadKeys = s.at("read"), s.list("reads")
	a.Secondaries = s.list("beside")
	a.Async = s.has("async") || a.Secondaries != nil
	op := map[string]mvcc.MutationOp{"": mvcc.MutationPut, "add": mvcc.MutationAdd, "append": mvcc.MutationAppend,
		"claim": mvcc.MutationClaim}[s.text("op", "")]
	for _, kv := range s.pairs("start", "node", "as", "shard", "primary", "ttl", "read", "reads", "beside", "op", "timeout") {
		m := mvcc.Mutation{Op: op, Key: mvcc.Key(kv[0]), Value: []byte(kv[1])}
		if kv[1] == "-" {
			m.Op, m.Value = mvcc.MutationDelete, nil
		}
		a.Mutations = append(a.Mutations, m)
	}
	if len(a.Mutations) > 0 {
		a.Primary = a.Mutations[0].Key
	}
	if p := s.text("primary", ""); p != "" {
		a.Primary = mvcc.Key(p)
	}
	return a
}
