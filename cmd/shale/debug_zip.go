package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// debugZipOptions are the flags of shale debug zip.
type debugZipOptions struct {
	connect connectOptions
	keys    bool
}

func newDebugZipCommand() *cobra.Command {
	var o debugZipOptions
	c := &cobra.Command{
		Use: "zip [FILE.zip]", Short: "Gather status, metrics and profiles of all nodes into one file", Args: cobra.MaximumNArgs(1),
		Long: `Gather into one file what helps to find a defect: status, nodes, shards and replicas, locks and
waits, settings and versions, each node's metrics, goroutines and heap. There are no values in it, and
no keys unless --keys. What could not be had is listed in errors.txt inside; profiles are given to
callers on the node's own machine only. The file must not exist yet.`,
		RunE: func(c *cobra.Command, args []string) error {
			path := "shale-debug-" + time.Now().UTC().Format("20060102-150405") + ".zip"
			if len(args) == 1 {
				path = args[0]
			}
			return runDebugZip(c.Context(), &o, path, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.connect.register(c)
	c.Flags().Lookup("timeout").DefValue = "1m0s"
	o.connect.timeout = time.Minute
	c.Flags().BoolVar(&o.keys, "keys", false, "with the keys of locks, waits and bounds of shards")
	return c
}

func runDebugZip(ctx context.Context, o *debugZipOptions, path string, out, say io.Writer) error {
	ctx, conn, done, err := o.connect.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	nodes, err := findNodes(ctx, conn)
	if err != nil {
		return err // there is nobody to ask: an empty file would help nobody
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	b := &bundle{zip: zip.NewWriter(f), keys: o.keys, left: bundleMax, at: time.Now()}
	for _, n := range nodes { // first: nodes answer for themselves also where the cluster does not
		b.node(ctx, conn, n)
	}
	b.cluster(ctx, conn)
	err = errors.Join(b.finish(), f.Close())
	if ctx.Err() != nil && context.Cause(ctx) != errTimeout {
		err = ctx.Err()
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if len(b.errors) > 0 {
		fmt.Fprintf(say, "%d things could not be had: errors.txt inside says which\n", len(b.errors))
	}
	_, err = fmt.Fprintln(out, path)
	return err
}

// findNodes are the nodes by the directory's word; where it does not answer, the hosts given
// that say who they are.
func findNodes(ctx context.Context, conn *connection) ([]*shalev1.Node, error) {
	short, cancel := context.WithTimeout(ctx, fetchTimeout)
	nodes, err := listNodes(short, conn)
	cancel()
	if err == nil || ctx.Err() != nil {
		return nodes, err
	}
	answered := false
	for _, host := range conn.hosts {
		short, cancel := context.WithTimeout(ctx, fetchTimeout)
		hello, e := conn.node(host).Hello(short, &nodev1.HelloRequest{})
		cancel()
		answered = answered || e == nil
		nodes = append(nodes, &shalev1.Node{Id: hello.GetNode(), Address: host, Alive: e == nil})
	}
	if !answered {
		return nil, err
	}
	return nodes, nil
}

// The bounds of a bundle.
const (
	bundleMax    = 256 << 20 // before compression
	entryMax     = 16 << 20
	fetchTimeout = 3 * time.Second
	zipLocksMax  = 10_000
)

// bundle is a file in the making, and what it lacks.
type bundle struct {
	zip    *zip.Writer
	keys   bool
	left   int64
	at     time.Time
	errors []string
	failed error // of writing: nothing goes on after that
}

func (b *bundle) lacks(name string, err error) {
	b.errors = append(b.errors, name+": "+strings.Join(strings.Fields(plain(err)), " "))
}

// put stores one entry, cut to what is left.
func (b *bundle) put(name string, raw []byte) {
	if b.failed != nil {
		return
	}
	if most := min(b.left, entryMax); int64(len(raw)) > most {
		b.lacks(name, &cutError{Most: most})
		raw = raw[:most]
	}
	b.left -= int64(len(raw))
	w, err := b.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: b.at})
	if err == nil {
		_, err = w.Write(raw)
	}
	b.failed = err
}

// message stores a message as JSON, without bytes: all bytes in these messages are keys.
func (b *bundle) message(name string, m proto.Message, err error) {
	if err != nil {
		b.lacks(name, err)
		return
	}
	if !b.keys {
		m = proto.Clone(m)
		withhold(m.ProtoReflect())
	}
	raw, err := protojson.MarshalOptions{Multiline: true}.Marshal(m)
	if err != nil {
		b.lacks(name, err)
		return
	}
	b.put(name, append(raw, '\n'))
}

func (b *bundle) finish() error {
	if len(b.errors) > 0 {
		b.put("errors.txt", []byte(strings.Join(b.errors, "\n")+"\n"))
	}
	return errors.Join(b.failed, b.zip.Close())
}

// cluster stores what any one node says of the whole.
func (b *bundle) cluster(ctx context.Context, conn *connection) {
	own, err := json.Marshal(thisBuild())
	if err != nil {
		b.lacks("version.json", err)
	}
	b.put("version.json", append(own, '\n'))
	st, err := status(ctx, conn) // however long it takes: it says what is wrong
	b.message("status.json", st, err)
	shards, err := within(ctx, func(ctx context.Context) (*shalev1.ListShardsResponse, error) {
		list, err := listShards(ctx, conn, 0)
		return &shalev1.ListShardsResponse{Shards: list}, err
	})
	b.message("shards.json", shards, err)
	locks, err := within(ctx, func(ctx context.Context) (*shalev1.ListLocksResponse, error) {
		return listLocks(ctx, conn, &shalev1.ListLocksRequest{}, zipLocksMax)
	})
	b.message("locks.json", locks, err)
	txns, err := within(ctx, func(ctx context.Context) (*shalev1.ListTransactionsResponse, error) {
		return listTransactions(ctx, conn, 0)
	})
	b.message("txns.json", txns, err)
	act, err := within(ctx, func(ctx context.Context) (*shalev1.ActivityResponse, error) {
		return anyHost(ctx, conn, func(ctx context.Context, host string) (*shalev1.ActivityResponse, error) {
			return conn.cluster(host).Activity(ctx, &shalev1.ActivityRequest{Limit: 100})
		})
	})
	b.message("activity.json", act, err)
}

// within gives one question its share of the time.
func within[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	return ask(ctx)
}

// node stores what one node says of itself.
func (b *bundle) node(ctx context.Context, conn *connection, n *shalev1.Node) {
	dir := fmt.Sprintf("nodes/%d/", n.Id)
	if !n.Alive {
		b.lacks(dir, fmt.Errorf("the node at %s does not answer", n.Address))
		return
	}
	hello, err := within(ctx, func(ctx context.Context) (*nodev1.HelloResponse, error) {
		return conn.node(n.Address).Hello(ctx, &nodev1.HelloRequest{})
	})
	b.message(dir+"hello.json", hello, err)
	settings, err := within(ctx, func(ctx context.Context) (*nodev1.SettingsResponse, error) {
		return conn.node(n.Address).Settings(ctx, &nodev1.SettingsRequest{})
	})
	b.message(dir+"settings.json", settings, err)
	for _, page := range []struct{ name, path string }{
		{"metrics.txt", "/metrics"}, {"goroutines.txt", "/debug/pprof/goroutine?debug=2"},
		{"heap.pb.gz", "/debug/pprof/heap"}, {"ready.txt", "/readyz"},
	} {
		raw, err := within(ctx, func(ctx context.Context) ([]byte, error) {
			raw, _, err := fetchPage(ctx, conn, n.Address, page.path, entryMax)
			return raw, err
		})
		if err != nil {
			b.lacks(dir+page.name, err)
		}
		if len(raw) > 0 {
			b.put(dir+page.name, bytes.TrimLeft(raw, "\n"))
		}
	}
}
