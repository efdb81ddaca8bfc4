package output

// Rows is a result, row by row. A row has a value per column: nil, int64, float64, string or
// []byte. It may be used again after the next call of Next.
type Rows interface {
	Columns() []string
	Next() bool
	Row() []any
	Err() error
}

// Listing is a result that is there already.
type Listing struct {
	Header []string
	Values [][]any
	at     int
}

// NewListing begins a listing of no rows.
func NewListing(columns ...string) *Listing { return &Listing{Header: columns} }

// Add appends a row.
func (l *Listing) Add(row ...any) { l.Values = append(l.Values, row) }

// Columns, Next, Row and Err make it Rows.
func (l *Listing) Columns() []string { return l.Header }

// Next goes on to the next row.
func (l *Listing) Next() bool {
	if l.at >= len(l.Values) {
		return false
	}
	l.at++
	return true
}

// Row is the row that Next went to.
func (l *Listing) Row() []any { return l.Values[l.at-1] }

// Err is nil: nothing can fail.
func (l *Listing) Err() error { return nil }
