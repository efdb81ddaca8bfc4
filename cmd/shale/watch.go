package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/mvcc"
)

// watchOptions have a listing shown again and again.
type watchOptions struct {
	text  string // as it was given; empty: once
	taken int    // arguments that were the interval
	every time.Duration
}

const (
	watchDefault = time.Second
	watchMin     = 200 * time.Millisecond
)

// register adds --watch, which stands alone or before an interval.
func (o *watchOptions) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.text, "watch", "", "look again every `INTERVAL`: on a terminal in place")
	f.Lookup("watch").NoOptDefVal = watchDefault.String()
	inner := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		if n := len(args); n > 0 && c.Flags().Changed("watch") && o.text == watchDefault.String() {
			if _, err := time.ParseDuration(args[n-1]); err == nil {
				o.text, o.taken = args[n-1], 1
				args = args[:n-1]
			}
		}
		return inner(c, args)
	}
}

// without are the arguments that are not the interval.
func (o *watchOptions) without(args []string) []string { return args[:len(args)-o.taken] }

func (o *watchOptions) validate() error {
	if o.text == "" {
		return nil
	}
	every, err := time.ParseDuration(o.text)
	if err != nil || every < watchMin {
		return usageError("--watch is an interval of %s at least, not %q", watchMin, o.text)
	}
	o.every = every
	return nil
}

// run shows a listing once, or until it is interrupted. A round that fails is shown, too: one
// watches because something is changing. What no round can mend ends it.
func (o *watchOptions) run(ctx context.Context, out io.Writer, round func(context.Context, io.Writer) error) error {
	if err := o.validate(); err != nil {
		return err
	}
	if o.every == 0 {
		return round(ctx, out)
	}
	show := blocks(out)
	if screen, ok := newScreen(out); ok {
		defer screen.leave()
		show = func(text string, first bool) error {
			head := fmt.Sprintf("every %s, %s; ctrl-c ends it\n\n", o.every, time.Now().Format("15:04:05"))
			return screen.draw(head+text, first)
		}
	}
	next := time.NewTicker(o.every)
	defer next.Stop()
	for first := true; ; first = false {
		var text bytes.Buffer
		err := round(ctx, &text)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if hopeless(err) {
				return err
			}
			fmt.Fprintf(&text, "shale: %s\n", describe(err))
		}
		if err := show(text.String(), first); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
		}
	}
}

// hopeless errors are the same in every round.
func hopeless(err error) bool {
	switch exitCode(err) {
	case exitUsage, exitNotFound, exitNotAllowed:
		return true
	}
	return false
}

// blocks prints round after round, an empty line between.
func blocks(out io.Writer) func(string, bool) error {
	return func(text string, first bool) error {
		if !first {
			text = "\n" + text
		}
		_, err := io.WriteString(out, text)
		return err
	}
}

// validated checks options that no connection checks, before the first round.
func validated(all ...validator) error {
	var errs []error
	for _, v := range all {
		errs = append(errs, v.validate())
	}
	return errors.Join(errs...)
}

// fit cuts a text to a screen: no line wraps, none is lost without a word. The text may have
// escapes for colours; only letters count.
func fit(text string, width, height int) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > height && height > 1 {
		more := len(lines) - height + 1
		lines = append(lines[:height-1], fmt.Sprintf("… %d more lines", more))
	}
	for i, l := range lines {
		lines[i] = cut(l, width)
	}
	return lines
}

// cut shortens a line to a width, without counting escapes.
func cut(line string, width int) string {
	if width <= 0 {
		return ""
	}
	var b strings.Builder
	n, inside := 0, false
	for _, r := range line {
		switch {
		case inside:
			inside = !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
		case r == '\x1b':
			inside = true
		case n >= width:
			continue
		default:
			n++
		}
		b.WriteRune(r)
	}
	return b.String()
}

// shortKey is a key in a narrow column.
func shortKey(key []byte, width int) string {
	text := []rune(mvcc.FormatValue(key, 0))
	if len(text) <= width {
		return string(text)
	}
	return string(text[:max(width-1, 0)]) + "…"
}
