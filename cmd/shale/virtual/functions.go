package virtual

import (
	"database/sql/driver"
	"fmt"

	"modernc.org/sqlite"
)

// function puts a scalar function on the driver. The driver keeps it for the life of the
// process; the session it forgets.
func (m *module) function(d *sqlite.Driver, f *Function) error {
	return d.RegisterFunction(f.Name, &sqlite.FunctionImpl{
		NArgs: int32(f.Args), Deterministic: f.Deterministic,
		VolatileArgs: true, // what the driver copies it cuts at a NUL byte
		Scalar: func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			s := m.session
			if s == nil || s.run == nil {
				return nil, ErrClosed
			}
			return s.call(f, args)
		},
	})
}

func (s *Session) call(f *Function, args []driver.Value) (v any, err error) {
	defer s.recovered(f.Name, &err)
	own := make([]any, len(args))
	for i, a := range args {
		own[i] = keep(a)
	}
	v, err = f.Call(s.run.ctx, own)
	if err != nil {
		return nil, s.fail(err)
	}
	switch v.(type) {
	case nil, int64, float64, string, []byte:
		return v, nil
	}
	return nil, s.fail(fmt.Errorf("%s: a %T is no value of SQLite's", f.Name, v))
}
