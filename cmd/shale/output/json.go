package output

import "strconv"

// objects writes rows as objects whose members stand in the columns' order.
type objects struct {
	out   *stream
	names [][]byte // "name": as it is written
	buf   []byte
}

func newObjects(out *stream, columns []string) *objects {
	o := &objects{out: out}
	seen := map[string]bool{}
	for _, c := range columns {
		name := c
		for i := 1; seen[name]; i++ {
			name = c + ":" + strconv.Itoa(i) // two members of one name: readers keep one
		}
		seen[name] = true
		o.names = append(o.names, append(appendString(nil, name), ':'))
	}
	return o
}

func (o *objects) write(row []any) error {
	o.buf = append(o.buf[:0], '{')
	for i, name := range o.names {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = appendJSON(append(o.buf, name...), row[i])
	}
	o.buf = append(o.buf, '}')
	_, err := o.out.Write(o.buf)
	return err
}

// printLines prints an object a line.
func printLines(out *stream, rows Rows) (int, error) {
	o := newObjects(out, rows.Columns())
	return each(rows, func(_ int, row []any) error {
		if err := o.write(row); err != nil {
			return err
		}
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
		return out.rowDone()
	})
}

// printArray prints one array of objects, a line each. After an error it stays open: what
// reads it must not take it for the whole.
func printArray(out *stream, rows Rows) (int, error) {
	o := newObjects(out, rows.Columns())
	n, err := each(rows, func(i int, row []any) error {
		open := ",\n"
		if i == 0 {
			open = "["
		}
		if _, err := out.WriteString(open); err != nil {
			return err
		}
		if err := o.write(row); err != nil {
			return err
		}
		return out.rowDone()
	})
	if err != nil {
		if n > 0 {
			_ = out.WriteByte('\n') // the first error is the one to report
		}
		return n, err
	}
	end := "]\n"
	if n == 0 {
		end = "[]\n"
	}
	_, err = out.WriteString(end)
	return n, err
}
