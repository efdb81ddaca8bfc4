package raftlog

// FS is the one directory that a log lives in. It exists so that tests and simulators can
// lose, tear and flip what was written; the real one is in fs_os.go. It is called from one
// goroutine, except Open of a file in the making (see spare.go).
type FS interface {
	// Names lists the directory's files in any order.
	Names() ([]string, error)
	// Open opens a file. Only ModeCreate makes one, and fails where one exists.
	Open(name string, mode Mode) (File, error)
	// Rename replaces what has the new name, at once and whole. It is durable after SyncDir.
	Rename(from, to string) error
	// Remove is durable after SyncDir.
	Remove(name string) error
	// SyncDir makes the names durable.
	SyncDir() error
}

// Mode says what a file is opened for.
type Mode uint8

// The modes.
const (
	ModeRead   Mode = iota + 1
	ModeCreate      // a new, empty file, written and read
	ModeWrite       // an existing file, written anew in any part
	ModeAppend      // the current segment: aligned blocks, each write followed by Sync
)

// File is an open file. WriteAt need not be durable before Sync has returned nil. After
// an error from either, nothing is known about what was written since the last Sync, and
// the log never asks again.
type File interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Sync() error
	Size() (int64, error)
	Close() error
}
