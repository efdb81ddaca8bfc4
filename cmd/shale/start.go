package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel"

	"github.com/shaledb/shale/rpc/node"
)

// startOptions are the flags of shale start.
type startOptions struct {
	store     string
	listen    string
	advertise string
	join      []string
	insecure  bool
	certsDir  string
	logLevel  string
	logFormat string
	slow      time.Duration
	otlp      string
	sample    float64
	traceKeys bool
}

func newStartCommand() *cobra.Command {
	var o startOptions
	c := &cobra.Command{
		Use:   "start --store DIR --listen HOST:PORT --join HOST:PORT[,HOST:PORT…] --insecure",
		Short: "Run a node until it is interrupted",
		Long: `Run one node of a cluster. A new directory waits until "shale init" begins a cluster
on the nodes that --join names (one or three), or joins the cluster that they belong to.
A directory that belongs to a cluster goes on where it stopped.`,
		Example: `  shale start --store a --listen localhost:7400 --join localhost:7400,localhost:7401,localhost:7402 --insecure`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runStart(c.Context(), &o, c.ErrOrStderr()) },
	}
	f := c.Flags()
	f.StringVar(&o.store, "store", "", "the node's directory (required)")
	f.StringVar(&o.listen, "listen", "", "host:port of the one port (required)")
	f.StringVar(&o.advertise, "advertise", "", "host:port by which others reach this node (default: --listen)")
	f.StringSliceVar(&o.join, "join", nil, "host:port of the cluster's nodes, this one's may be among them (required)")
	f.BoolVar(&o.insecure, "insecure", false, "serve without TLS and without identities, on a network you trust")
	f.StringVar(&o.certsDir, "certs-dir", os.Getenv("SHALE_CERTS_DIR"), "directory of certificates (not served yet)")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json")
	f.DurationVar(&o.slow, "slow-transaction", 250*time.Millisecond, "log and keep what takes longer: Commits here, requests to shards here; 0: nothing")
	f.StringVar(&o.otlp, "otlp-endpoint", "", "URL of an OpenTelemetry collector that takes OTLP over HTTP, as in http://localhost:4318; empty: no traces")
	f.Float64Var(&o.sample, "trace-sample", 0.01, "share of the calls to trace that come without a trace of their own")
	f.BoolVar(&o.traceKeys, "trace-keys", false, "name keys in traces; values never are")
	return c
}

// validate turns the flags into a node's configuration.
func (o *startOptions) validate(say io.Writer) (node.Config, error) {
	var zero node.Config
	if o.store == "" {
		return zero, usageError("--store is missing: name the directory of this node")
	}
	if err := hostPort("--listen", o.listen); err != nil {
		return zero, err
	}
	if o.advertise != "" {
		if err := hostPort("--advertise", o.advertise); err != nil {
			return zero, err
		}
	}
	if len(o.join) == 0 {
		return zero, usageError("--join is missing: name the addresses of the cluster's nodes, or this node's own for a cluster of one")
	}
	for _, a := range o.join {
		if err := hostPort("--join", strings.TrimSpace(a)); err != nil {
			return zero, err
		}
	}
	switch {
	case o.insecure && o.certsDir != "":
		return zero, usageError("--insecure and --certs-dir exclude each other")
	case o.certsDir != "":
		return zero, usageError("--certs-dir: this version does not serve TLS yet; on a network you trust, say --insecure")
	case !o.insecure:
		return zero, usageError("say how to serve: --insecure (no TLS, on a network you trust)")
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return zero, usageError("--log-level is debug, info, warn or error, not %q", o.logLevel)
	}
	advertise := o.advertise
	if advertise == "" {
		advertise = o.listen
		if host, port, _ := net.SplitHostPort(o.listen); host == "" || port == "0" {
			advertise = "" // known only when the port is open
		}
	}
	log, err := newLog(say, o.logFormat, level)
	if err != nil {
		return zero, err
	}
	slow := o.slow
	if slow == 0 {
		slow = -1 // a node's zero is its default
	}
	return node.Config{Dir: o.store, Listen: o.listen, Advertise: advertise, Join: o.join,
		Insecure: o.insecure, Version: version, Log: log, SlowTransaction: slow, TraceKeys: o.traceKeys, Flags: o.flags()}, nil
}

// flags are the settings that concern the process alone.
func (o *startOptions) flags() []node.Flag {
	return []node.Flag{
		{Name: "log_level", Value: o.logLevel, Default: "info", Doc: "What is logged: debug, info, warn or error, and above."},
		{Name: "log_format", Value: o.logFormat, Default: "text", Doc: "How: text or json."},
		{Name: "otlp_endpoint", Value: o.otlp, Doc: "Where traces go; empty: there are none."},
		{Name: "trace_sample", Value: fmt.Sprint(o.sample), Default: "0.01", Doc: "The share of calls traced that come without a trace of their own."},
	}
}

// newLog makes the process's log.
func newLog(say io.Writer, format string, level slog.Level) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(say, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(say, options)), nil
	}
	return nil, usageError("--log-format is text or json, not %q", format)
}

// trace gives the node its tracer, where there is a collector. End sends what is left.
func (o *startOptions) trace(cfg *node.Config) (end func(context.Context) error, err error) {
	if o.otlp == "" {
		return func(context.Context) error { return nil }, nil
	}
	tracer, err := newTracer(o.otlp, o.sample, "shale")
	if err != nil {
		return nil, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { cfg.Log.Warn("traces are lost", "err", err) }))
	cfg.Tracer = tracer
	return tracer.Shutdown, nil
}

func hostPort(flag, address string) error {
	if address == "" {
		return usageError("%s is missing: give it as HOST:PORT", flag)
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return usageError("%s %q is not HOST:PORT", flag, address)
	}
	return nil
}

// stopTimeout bounds an orderly stop; what is not flushed by then is in the log.
const stopTimeout = 10 * time.Second

func runStart(ctx context.Context, o *startOptions, say io.Writer) error {
	cfg, err := o.validate(say)
	if err != nil {
		return err
	}
	endTraces, err := o.trace(&cfg)
	if err != nil {
		return err
	}
	n, err := node.Start(cfg)
	if err != nil {
		return err
	}
	cfg.Log.Info("listening", "address", n.Address(), "store", o.store)
	waiting := time.NewTimer(2 * time.Second)
	defer waiting.Stop()
	for {
		select {
		case <-waiting.C:
			select {
			case <-n.Joined():
			default:
				cfg.Log.Info("this directory belongs to no cluster yet", "next", "shale init --host "+n.Address())
			}
			continue
		case err = <-n.Failed():
		case <-ctx.Done():
			cfg.Log.Info("stopping")
		}
		break
	}
	stop, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if e := n.Stop(stop); e != nil {
		err = &drainError{Cause: errors.Join(err, e)}
	}
	if e := endTraces(stop); e != nil {
		cfg.Log.Warn("the last traces are lost", "err", e)
	}
	return err
}

// drainError: the node was asked to end, and did not end in order.
type drainError struct{ Cause error }

func (e *drainError) Error() string {
	return fmt.Sprintf("the node did not stop in order: %v", e.Cause)
}
