package shardtest

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
)

// cmdFence: fence start=N KEY… primary=k [now] looks at keys of an asynchronous commit, and
// with now fences those that are missing.
func (s *script) cmdFence() string {
	start := s.at("start")
	return s.ask(s.member(), &mvcc.FenceArgs{Start: start, Primary: mvcc.Key(s.text("primary", "")), Keys: s.keys(),
		Digest: mvcc.Digest{byte(start), 1}, Fence: s.has("now")})
}

func (s *script) fenced(r *mvcc.FenceResult) string {
	switch {
	case r.Fenced:
		return "fenced"
	case r.CommitTS != 0:
		return "committed"
	case len(r.Missing) > 0:
		return fmt.Sprintf("missing %s", r.Missing)
	}
	return "all stand"
}
