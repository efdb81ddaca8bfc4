package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// topOptions are the flags of shale top.
type topOptions struct {
	connect  connectOptions
	format   string
	interval time.Duration
	once     bool
}

func newTopCommand() *cobra.Command {
	var o topOptions
	c := &cobra.Command{
		Use: "top", Short: "Watch nodes, shards, hot keys and waits, live", Args: cobra.NoArgs,
		Long: `Watch the cluster: its health, what each node does, the busiest shards and keys, who waits for
whom. On a terminal the screen is drawn anew every --interval until q; elsewhere a block is printed.

tx/s counts commits at the shards: one over several shards counts in each. Reads and writes are
keys, and scans. Latencies are of requests to replicas, in the last interval. Hot keys are an
estimate that halves every ten seconds, too high by ± at most.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return runTop(c.Context(), &o, c.InOrStdin(), c.OutOrStdout())
		},
	}
	o.connect.register(c)
	f := c.Flags()
	f.StringVarP(&o.format, "output", "o", "table", "table or json")
	f.DurationVar(&o.interval, "interval", time.Second, "between two looks")
	f.BoolVar(&o.once, "once", false, "print one sample, taken over one interval, and exit")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (o *topOptions) validate() error {
	if !slices.Contains([]string{"table", "json"}, o.format) {
		return usageError("-o is one of table, json, not %q", o.format)
	}
	if o.interval < watchMin {
		return usageError("--interval is %s at least, not %s", watchMin, o.interval)
	}
	return nil
}

func runTop(ctx context.Context, o *topOptions, in io.Reader, out io.Writer) error {
	if err := validated(o, &o.connect); err != nil {
		return err
	}
	conn := newConnection(o.connect.hosts)
	defer conn.http.CloseIdleConnections()
	p := &sampler{conn: conn}
	if o.once {
		s, err := p.next(ctx, o.interval)
		if err != nil {
			return err
		}
		return o.print(out, s)
	}
	if screen, ok := newScreen(out); ok && o.format == "table" {
		return o.live(ctx, p, screen, in)
	}
	for first := true; ; first = false {
		s, err := p.next(ctx, o.interval)
		if err != nil {
			return err
		}
		if !first && o.format == "table" {
			fmt.Fprintln(out)
		}
		if err := o.print(out, s); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.interval):
		}
	}
}

func (o *topOptions) print(out io.Writer, s *topSample) error {
	if o.format == "json" {
		return json.NewEncoder(out).Encode(s)
	}
	_, err := io.WriteString(out, s.text(100, 0))
	return err
}

// live draws until q. The terminal is given back as it was, also at SIGTERM, which ends ctx.
// It draws at once when the size changes.
func (o *topOptions) live(ctx context.Context, p *sampler, screen *screen, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	keys, restore := keysOf(ctx, in)
	defer restore()
	defer screen.leave()
	if err := screen.enter(); err != nil {
		return err
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	defer signal.Stop(resized)
	samples := make(chan topNews)
	go o.feed(ctx, p, samples)
	last, first := topNews{text: "looking at the cluster …\n"}, true
	for {
		if err := screen.draw(last.on(screen), first); err != nil {
			return err
		}
		first = false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case k := <-keys:
			if k == 'q' || k == 'Q' {
				return nil
			}
		case <-resized:
			first = true
		case news := <-samples:
			if news.err != nil {
				news.sample = last.sample // what was seen last stays, below the error
			}
			last = news
		}
	}
}

// topNews is what there is to draw.
type topNews struct {
	sample *topSample
	err    error
	text   string
}

func (n *topNews) on(screen *screen) string {
	width, height := screen.size()
	text := n.text
	if n.err != nil {
		text = "shale: " + describe(n.err) + "\n"
		height--
	}
	if n.sample != nil {
		text += n.sample.text(width, height-1)
	}
	return text
}

// feed looks, and hands over what it saw, until ctx ends.
func (o *topOptions) feed(ctx context.Context, p *sampler, to chan<- topNews) {
	for {
		s, err := p.next(ctx, o.interval)
		select {
		case <-ctx.Done():
			return
		case to <- topNews{sample: s, err: err}:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(o.interval):
		}
	}
}

// keysOf reads single keys from a terminal, without echo, until ctx ends; restore sets it back.
// Ctrl-C stays the signal that it is. What is no terminal has no keys.
func keysOf(ctx context.Context, in io.Reader) (<-chan byte, func()) {
	keys := make(chan byte)
	f, ok := in.(*os.File)
	if !ok {
		return keys, func() {}
	}
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, ioctlGetTermios)
	if err != nil {
		return keys, func() {}
	}
	raw := *before
	raw.Lflag &^= unix.ICANON | unix.ECHO
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 0, 1 // a read returns after a tenth of a second
	if err := unix.IoctlSetTermios(fd, ioctlSetTermios, &raw); err != nil {
		return keys, func() {}
	}
	go func() {
		b := make([]byte, 1)
		for ctx.Err() == nil {
			n, err := unix.Read(fd, b)
			if err != nil && err != unix.EINTR && err != unix.EAGAIN {
				return
			}
			if n == 1 {
				select {
				case keys <- b[0]:
				case <-ctx.Done():
				}
			}
		}
	}()
	return keys, func() {
		// There is nobody to tell where this fails.
		_ = unix.IoctlSetTermios(fd, ioctlSetTermios, before)
	}
}
