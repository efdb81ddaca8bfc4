package mvcctest

import (
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// script is one directive of a script, with its arguments as types.
type script struct {
	*datadriven.TestData
	t *testing.T
	h *harness
}

func (s *script) require(err error) {
	if err != nil {
		s.t.Helper()
		s.Fatalf(s.t, "%v", err)
	}
}

// ts is a timestamp argument; absent: otherwise.
func (s *script) ts(name string, otherwise timestamp.Timestamp) timestamp.Timestamp {
	arg, ok := s.Arg(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(arg.SingleVal(s.t), 10, 63)
	s.require(err)
	return timestamp.Timestamp(n)
}

// start is the transaction's start.
func (s *script) start() timestamp.Timestamp {
	if !s.HasArg("start") {
		s.Fatalf(s.t, "start=… is missing")
	}
	return s.ts("start", 0)
}

// number is a small number; absent: 0.
func (s *script) number(name string) int { return int(s.ts(name, 0)) }

// primary is the primary key.
func (s *script) primary() mvcc.Key {
	arg, ok := s.Arg("primary")
	if !ok {
		s.Fatalf(s.t, "primary=… is missing")
	}
	return s.key(arg.SingleVal(s.t))
}

// keysArg is keys=(a, b); absent: none.
func (s *script) keysArg() []mvcc.Key { return s.keysIn("keys") }

// keysIn is a list of keys.
func (s *script) keysIn(name string) []mvcc.Key {
	arg, ok := s.Arg(name)
	if !ok {
		return nil
	}
	var out []mvcc.Key
	for _, v := range arg.Vals {
		out = append(out, s.key(v))
	}
	return out
}

func (s *script) key(text string) mvcc.Key {
	k, err := mvcc.ParseKey(text)
	s.require(err)
	s.h.keys[k] = true
	return k
}

// digest is named by digest=NAME, or after the start; digest=none is the zero digest.
func (s *script) digest() mvcc.Digest {
	name := "T" + s.start().String()
	if arg, ok := s.Arg("digest"); ok {
		name = arg.SingleVal(s.t)
	}
	if name == "none" {
		return mvcc.Digest{}
	}
	var d mvcc.Digest
	if copy(d[:], name) < len(name) {
		s.Fatalf(s.t, "digest name %s is too long", name)
	}
	s.h.digests[d] = name
	return d
}

// text is a value: x*300 is 300 times x.
func (s *script) text(text string) []byte {
	if what, times, ok := strings.Cut(text, "*"); ok {
		n, err := strconv.Atoi(times)
		s.require(err)
		return []byte(strings.Repeat(what, n))
	}
	return []byte(text)
}
