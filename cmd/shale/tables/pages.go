package tables

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/shaledb/shale/mvcc"
)

// The bounds of a page, and how many parts of a scan are under way beside the one that is
// being used.
const (
	pageRows   = 5000
	pageRows0  = 500 // of the first page: whoever looks at little does not wait for much
	pageBytes  = 1 << 20
	partsAhead = 2
)

// page is one answer: rows, from a place on, and for which part of the span that was asked
// for. More: there are others in it, behind resume.
type page[R, A any] struct {
	rows    []R
	from    mvcc.Key
	covered mvcc.Span
	more    bool
	resume  A
}

// fetch asks for one page of a span, behind the row that after names.
type fetch[R, A any] func(ctx context.Context, span mvcc.Span, after A, limit int) (*page[R, A], error)

// work is a part of a span that is still to be read, behind after.
type work[A any] struct {
	span  mvcc.Span
	after A
}

// pages reads a span page by page until every key of it was answered for. Where an answer
// covers less than was asked, because the shard was split, the rest is read from where the
// pages had come to: the row behind which the smaller answer began.
func pages[R, A any](ctx context.Context, span mvcc.Span, first int, get fetch[R, A]) iter.Seq2[[]R, error] {
	return func(yield func([]R, error) bool) {
		limit := first
		todo := []work[A]{{span: span}}
		for len(todo) > 0 {
			w := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for more := true; more; {
				p, err := get(ctx, w.span, w.after, limit)
				if err == nil && !p.covered.Contains(p.from) {
					err = fmt.Errorf("asked from %s on, a shard answered for [%s, %s); run the statement again",
						mvcc.FormatKey(p.from), mvcc.FormatKey(p.covered.Start), mvcc.FormatKey(p.covered.End))
				}
				if err != nil {
					yield(nil, err)
					return
				}
				if !yield(p.rows, nil) {
					return
				}
				if rest, cut := beyond(w.span, p.covered); cut {
					todo = append(todo, work[A]{rest, w.after})
					w.span.End = p.covered.End
				}
				more, w.after, limit = p.more, p.resume, pageRows
			}
		}
	}
}

// beyond is the part of a span to the right of what was covered.
func beyond(span, covered mvcc.Span) (mvcc.Span, bool) {
	if covered.End == "" || (span.End != "" && covered.End >= span.End) {
		return mvcc.Span{}, false
	}
	return mvcc.Span{Start: covered.End, End: span.End}, true
}

// rowsOf reads spans one after the other, in order, with the next page and the next spans
// under way meanwhile. Alone: one span, of which one page is likely to be all, costs no
// goroutine more.
func rowsOf[R, A any](ctx context.Context, spans []mvcc.Span, first int, alone bool, get fetch[R, A]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		part := func(ctx context.Context, i int) iter.Seq2[[]R, error] { return pages(ctx, spans[i], first, get) }
		chunks := inOrder(ctx, len(spans), part)
		if alone && len(spans) == 1 {
			chunks = part(ctx, 0)
		}
		for rows, err := range chunks {
			if err != nil {
				var none R
				yield(none, err)
				return
			}
			for i := range rows {
				if !yield(rows[i], nil) {
					return
				}
			}
		}
	}
}

// chunk is a page on its way to the scan.
type chunk[R any] struct {
	rows []R
	err  error
}

// inOrder runs up to partsAhead parts beside the one that is used, each a page ahead. All its
// goroutines have ended when it returns.
func inOrder[R any](ctx context.Context, parts int, part func(context.Context, int) iter.Seq2[[]R, error]) iter.Seq2[[]R, error] {
	return func(yield func([]R, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		var open []chan chunk[R]
		begun := 0
		begin := func() {
			for ; len(open) <= partsAhead && begun < parts; begun++ {
				rows, out := part(ctx, begun), make(chan chunk[R], 1)
				open = append(open, out)
				running.Go(func() { produce(ctx, rows, out) })
			}
		}
		for begin(); len(open) > 0; begin() {
			for c := range open[0] {
				if !yield(c.rows, c.err) || c.err != nil {
					return
				}
			}
			if ctx.Err() != nil { // a part that was stopped looks like one that is done
				yield(nil, context.Cause(ctx))
				return
			}
			open = open[1:]
		}
	}
}

// produce puts a part's pages into out, and closes it at the end.
func produce[R any](ctx context.Context, part iter.Seq2[[]R, error], out chan<- chunk[R]) {
	defer close(out)
	for rows, err := range part {
		select {
		case out <- chunk[R]{rows, err}:
		case <-ctx.Done():
			return
		}
	}
}
