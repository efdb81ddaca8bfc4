package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/shaledb/shale/bench"
	"github.com/shaledb/shale/mvcc"
)

// Result is one line of a results file.
type Result struct {
	Store    string        `json:"store"` // the label: etcd, shale-spread, shale-together
	Workload string        `json:"workload"`
	Threads  int           `json:"threads"`
	Round    int           `json:"round"`
	Report   *bench.Report `json:"report"`
}

type runFlags struct {
	store, hosts, label, workload string
	properties                    properties
	threads, round                int
	duration, warmUp              time.Duration
	seed                          uint64
	prepareOnly                   bool
}

func parseRunFlags(args []string) (runFlags, error) {
	o := runFlags{properties: properties{}}
	f := flag.NewFlagSet("peers run", flag.ContinueOnError)
	f.StringVar(&o.store, "store", "", "etcd or shale")
	f.StringVar(&o.hosts, "hosts", "", "HOST:PORT,…")
	f.StringVar(&o.label, "label", "", "what the table calls it (the store)")
	f.StringVar(&o.workload, "workload", "put", "put, get, scan50, transfer2, bank, or a letter of YCSB's")
	f.Var(o.properties, "p", "name=value, repeatable")
	f.IntVar(&o.threads, "threads", 32, "operations under way at once")
	f.IntVar(&o.round, "round", 0, "written into the result")
	f.DurationVar(&o.duration, "duration", 15*time.Second, "of the measured part")
	f.DurationVar(&o.warmUp, "warmup", 2*time.Second, "before it")
	f.Uint64Var(&o.seed, "seed", 1, "of the operations")
	f.BoolVar(&o.prepareOnly, "prepare-only", false, "load the data and stop")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.label == "" {
		o.label = o.store
	}
	return o, nil
}

// properties is a flag that is given several times.
type properties bench.Properties

// String is what the flag package asks for.
func (p properties) String() string { return "" }

// Set takes one assignment.
func (p properties) Set(text string) error { return bench.Properties(p).Set(text) }

func runCommand(ctx context.Context, args []string) error {
	o, err := parseRunFlags(args)
	if err != nil {
		return err
	}
	w, err := newWorkload(o.workload, bench.Properties(o.properties))
	if err != nil {
		return err
	}
	store, closeStore, err := openStore(ctx, o.store, strings.Split(o.hosts, ","))
	if err != nil {
		return err
	}
	defer closeStore()
	if o.prepareOnly {
		return w.Prepare(ctx, store, o.threads)
	}
	report, err := bench.Run(ctx, store, w, bench.Options{Threads: o.threads, Duration: o.duration,
		WarmUp: o.warmUp, Seed: o.seed, Quiet: true}, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%-15s %-10s %3d threads %8.0f ops/s  errors %v\n",
		o.label, o.workload, o.threads, report.OpsPerSec, report.Errors)
	return json.NewEncoder(os.Stdout).Encode(Result{o.label, o.workload, o.threads, o.round, report})
}

// newWorkload takes a workload's name, or the letter of one of YCSB's six.
func newWorkload(name string, p bench.Properties) (bench.Workload, error) {
	if len(name) != 1 {
		return bench.New(name, p)
	}
	preset, err := bench.Preset(strings.ToLower(name))
	if err != nil {
		return nil, err
	}
	return bench.New("ycsb", preset.Merge(p))
}

func openStore(ctx context.Context, name string, hosts []string) (bench.Store, func(), error) {
	switch name {
	case "etcd":
		return openEtcd(hosts)
	case "shale":
		return openShale(ctx, hosts)
	}
	return nil, nil, fmt.Errorf("no store %q: there are etcd and shale", name)
}

// splitsCommand prints the keys at which to split shale's key space, one a line.
func splitsCommand(args []string, out io.Writer) error {
	f := flag.NewFlagSet("peers splits", flag.ContinueOnError)
	workload := f.String("workload", "put", "whose keys")
	shards := f.Int("shards", 8, "into how many")
	p := properties{}
	f.Var(p, "p", "name=value, repeatable")
	if err := f.Parse(args); err != nil {
		return err
	}
	w, err := newWorkload(*workload, bench.Properties(p))
	if err != nil {
		return err
	}
	for _, k := range w.SplitKeys(*shards) {
		fmt.Fprintln(out, mvcc.FormatKey(k))
	}
	return nil
}

// portsCommand prints ports that are free at this moment, all different.
func portsCommand(args []string, out io.Writer) error {
	f := flag.NewFlagSet("peers ports", flag.ContinueOnError)
	n := f.Int("n", 1, "how many")
	if err := f.Parse(args); err != nil {
		return err
	}
	for range *n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close() // held until all are known
		fmt.Fprintln(out, l.Addr().(*net.TCPAddr).Port)
	}
	return nil
}
