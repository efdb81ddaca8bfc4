package shardtest

import "time"

// cmdPrewrite: prewrite start=N k=v… [primary=k] [ttl=5s] [async] [beside=k+k] lays locks. With
// async it is part of an asynchronous commit, with beside the part that holds the primary.
func (s *script) cmdPrewrite() string { return s.ask(s.member(), s.content()) }

func (s *script) lifetime() time.Duration {
	if d := s.duration("ttl"); d != 0 {
		return d
	}
	return 5 * time.Second
}
