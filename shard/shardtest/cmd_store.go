package shardtest

import "fmt"

// cmdStore: store prints how often stores were looked into since the last time.
func (s *script) cmdStore() string {
	lookups, reads := s.c.Lookups, s.c.Reads
	s.c.Lookups, s.c.Reads = 0, 0
	return fmt.Sprintf("%d look-ups, %d reads", lookups, reads)
}
