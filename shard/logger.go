package shard

import "fmt"

// silent is Raft's logger where nobody listens. What Raft calls fatal stops the step with a
// panic value, which the replica turns into a quarantine.
type silent struct{}

// raftFailure is what Raft said when it could not go on.
type raftFailure string

func (f raftFailure) Error() string { return "raft: " + string(f) }

func (silent) Debug(...any)            {}
func (silent) Debugf(string, ...any)   {}
func (silent) Error(...any)            {}
func (silent) Errorf(string, ...any)   {}
func (silent) Info(...any)             {}
func (silent) Infof(string, ...any)    {}
func (silent) Warning(...any)          {}
func (silent) Warningf(string, ...any) {}

func (silent) Fatal(v ...any)            { panic(raftFailure(fmt.Sprint(v...))) }
func (silent) Fatalf(f string, v ...any) { panic(raftFailure(fmt.Sprintf(f, v...))) }
func (silent) Panic(v ...any)            { panic(raftFailure(fmt.Sprint(v...))) }
func (silent) Panicf(f string, v ...any) { panic(raftFailure(fmt.Sprintf(f, v...))) }
