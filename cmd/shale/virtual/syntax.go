package virtual

// SyntaxError is a statement that SQLite did not understand, and where.
type SyntaxError struct {
	Statement string
	Offset    int // in bytes
	What      string
}

func (e *SyntaxError) Error() string { return e.What }

// Caret is the statement's line with a caret under the place.
func (e *SyntaxError) Caret() string { return "" }

// RefusedError is a statement that this session does not run.
type RefusedError struct{ What string }

func (e *RefusedError) Error() string { return e.What }
