package shardtest

import (
	"slices"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// cmdCommit: commit start=N ts=N KEY… turns locks into versions; the first key is the
// primary, unless primary=k says otherwise.
func (s *script) cmdCommit() string {
	start := s.at("start")
	a := &mvcc.CommitArgs{Start: start, CommitTS: s.at("ts"), Keys: s.keys(), Digest: mvcc.Digest{byte(start), 1}}
	a.Primary = s.primary(a.Keys)
	return s.ask(s.member(), a)
}

// flags are the words that are no keys.
var flags = []string{"still", "wait", "show", "fixed", "now", "fenced"} // constant

// keys are the words that are no flags.
func (s *script) keys() []mvcc.Key {
	var out []mvcc.Key
	for _, w := range s.words() {
		if !slices.Contains(flags, w) {
			out = append(out, mvcc.Key(w))
		}
	}
	return out
}

// list is an argument of keys, joined by +.
func (s *script) list(name string) []mvcc.Key {
	var out []mvcc.Key
	for _, w := range strings.Split(s.text(name, ""), "+") {
		if w != "" {
			out = append(out, mvcc.Key(w))
		}
	}
	return out
}

func (s *script) primary(keys []mvcc.Key) mvcc.Key {
	if p := s.text("primary", ""); p != "" || len(keys) == 0 {
		return mvcc.Key(p)
	}
	return keys[0]
}

// cmdTimestamp: timestamp draws one and does not print it.
func (s *script) cmdTimestamp() string {
	for range s.number("count", 1) {
		s.c.Timestamp()
	}
	if at := s.at("at"); at != 0 {
		s.c.oracle = max(s.c.oracle, timestamp.Timestamp(at))
	}
	return "drawn"
}
