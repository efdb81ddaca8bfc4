package wire

import (
	"errors"
	"strings"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// row is all that is said about one type of error: how it travels between nodes, and what
// the public hears of it.
type row struct {
	kind   nodev1.ErrorKind
	code   connect.Code
	reason string // the message begins with it
	hint   string
	match  func(error) bool // this very error, not what it wraps
	encode func(error, *nodev1.Error)
	decode func(*nodev1.Error) error
	detail func(error, *shalev1.ErrorDetail)
}

// of makes the row of the error type E.
func of[E error](kind nodev1.ErrorKind, code connect.Code, reason, hint string,
	encode func(E, *nodev1.Error), decode func(*nodev1.Error) error, detail func(E, *shalev1.ErrorDetail)) row {
	return row{
		kind: kind, code: code, reason: reason, hint: hint,
		match:  func(err error) bool { _, ok := err.(E); return ok },
		encode: func(err error, m *nodev1.Error) { encode(err.(E), m) },
		decode: decode,
		detail: func(err error, d *shalev1.ErrorDetail) { detail(err.(E), d) },
	}
}

// is makes the row of a single error value.
func is(target error, kind nodev1.ErrorKind, code connect.Code, reason, hint string) row {
	return row{
		kind: kind, code: code, reason: reason, hint: hint,
		match:  func(err error) bool { return err == target },
		encode: func(error, *nodev1.Error) {},
		decode: func(*nodev1.Error) error { return target },
		detail: func(error, *shalev1.ErrorDetail) {},
	}
}

const hintInternal = "this is a defect or a broken machine: look into the node's log"

// find is the row of err and the error of its chain that the row speaks of: the outermost
// one that the table knows.
func find(err error) (*row, error) {
	for _, e := range chain(err, nil) {
		for i := range table {
			if table[i].match(e) {
				return &table[i], e
			}
		}
	}
	return find(&InternalError{What: err.Error()})
}

// chain lists err and what it wraps, outermost first.
func chain(err error, out []error) []error {
	if err == nil {
		return out
	}
	out = append(out, err)
	switch x := err.(type) {
	case interface{ Unwrap() error }:
		return chain(x.Unwrap(), out)
	case interface{ Unwrap() []error }:
		for _, e := range x.Unwrap() {
			out = chain(e, out)
		}
	}
	return out
}

// EncodeError makes the message of an error between nodes.
func EncodeError(err error) *nodev1.Error {
	r, e := find(err)
	m := &nodev1.Error{Kind: r.kind}
	r.encode(e, m)
	if w, ok := e.(interface{ Unwrap() error }); ok && w.Unwrap() != nil {
		m.Cause = EncodeError(w.Unwrap())
	}
	return m
}

// DecodeError is the error that the other side met, of the same type as there.
func DecodeError(m *nodev1.Error) error { return decodeError(m, causesMax) }

// causesMax bounds how deep an error's causes are followed: a message may be forged.
const causesMax = 8

func decodeError(m *nodev1.Error, depth int) error {
	var r *row
	for i := range table {
		if table[i].kind == m.GetKind() {
			r = &table[i]
			break
		}
	}
	if r == nil {
		return &InternalError{What: m.GetWhat()}
	}
	err := r.decode(m)
	if m.GetCause() == nil || depth == 0 {
		return err
	}
	cause := decodeError(m.GetCause(), depth-1)
	switch e := err.(type) {
	case *mvcc.UndeterminedError:
		e.Cause = cause
	case *OutcomeUnknownError:
		if u, ok := cause.(*mvcc.UndeterminedError); ok {
			e.Cause = u
		}
	}
	return err
}

// Public is what a client of the public services hears of err: the code of its row, a
// message that begins with its reason, and a detail. A *connect.Error stays as it is.
func Public(err error) *connect.Error {
	var made *connect.Error
	if err == nil || errors.As(err, &made) {
		return made
	}
	r, e := find(err)
	d := &shalev1.ErrorDetail{Reason: r.reason, Hint: r.hint}
	r.detail(e, d)
	out := connect.NewError(r.code, errors.New(brief(d.Reason+": "+err.Error())))
	if detail, err := connect.NewErrorDetail(d); err == nil {
		out.AddDetail(detail)
	}
	return out
}

// messageMax bounds what a message says: it travels in a header, and may speak of many keys.
const messageMax = 4 << 10

func brief(message string) string {
	if len(message) <= messageMax {
		return message
	}
	return strings.ToValidUTF8(message[:messageMax], "") + "…"
}

// Detail is the detail that a server put into err, nil where there is none.
func Detail(err error) *shalev1.ErrorDetail {
	var ce *connect.Error
	if !errors.As(err, &ce) {
		return nil
	}
	for _, d := range ce.Details() {
		if v, err := d.Value(); err == nil {
			if detail, ok := v.(*shalev1.ErrorDetail); ok {
				return detail
			}
		}
	}
	return nil
}

// InternalError is what the other side met and this table does not name.
type InternalError struct{ What string }

func (e *InternalError) Error() string { return e.What }

// UnimplementedError: the contract names it, this release does not do it.
type UnimplementedError struct{ What string }

func (e *UnimplementedError) Error() string { return e.What + " is not implemented yet" }

// NotFoundError: there is no such node or shard.
type NotFoundError struct{ What string }

func (e *NotFoundError) Error() string { return e.What }

// AnswerTooLargeError: ask for less at once.
type AnswerTooLargeError struct{ What string }

func (e *AnswerTooLargeError) Error() string { return e.What }

// ReadOnlyError: a write in a transaction that may only read.
type ReadOnlyError struct{}

func (e *ReadOnlyError) Error() string { return "the transaction is read-only" }

// OutcomeUnknownError: an autocommit was sent and its outcome was not heard. It must not be
// sent again.
type OutcomeUnknownError struct{ Cause *mvcc.UndeterminedError }

func (e *OutcomeUnknownError) Error() string {
	return e.Cause.Error() + "; it ran without a transaction and must not be sent again"
}

func (e *OutcomeUnknownError) Unwrap() error { return e.Cause }
