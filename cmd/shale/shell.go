package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// shell runs statements and, at a prompt, commands that begin with a dot or are words of
// kv.
type shell struct {
	look    inspector
	conn    *connection // nil: a file is looked at, there is no cluster
	keys    *kvWords    // nil: it reads only
	bank    *demoBank   // the demo's alone
	timeout time.Duration
	output  outputOptions
	out     io.Writer
	say     io.Writer
}

// runAll runs texts of statements, each text at least one, up to the first error.
func (s *shell) runAll(ctx context.Context, texts []string) error {
	ran := false
	for _, text := range texts {
		statements, rest := split(text)
		if rest != "" {
			statements = append(statements, rest)
		}
		for _, st := range statements {
			ran = true
			if err := s.statement(ctx, st); err != nil {
				return err
			}
		}
	}
	if !ran {
		return errNoStatement
	}
	return nil
}

// statement runs one and prints what it found.
func (s *shell) statement(ctx context.Context, statement string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errTimeout)
	defer cancel()
	res, err := s.look.inspect(ctx, statement)
	if err != nil {
		return err
	}
	if err := s.output.printResult(s.out, res); err != nil {
		return err
	}
	if res.Truncated {
		fmt.Fprintf(s.say, "there is more: only the first %d rows are printed\n", len(res.Rows))
	}
	return nil
}

// converse reads and runs until the input ends, .exit, or an interrupt on an empty line. A
// person reads what went wrong and goes on; a script ends there.
func (s *shell) converse(ctx context.Context, in io.Reader) error {
	lines := newLines(in)
	for {
		text, err := lines.read(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if leave, err := s.obey(ctx, strings.TrimSpace(text)); leave {
			return nil
		} else if err != nil {
			if ctx.Err() != nil || !terminal(in) {
				return err
			}
			fmt.Fprintln(s.say, "error: "+describe(err))
		}
	}
}

// obey runs what was typed.
func (s *shell) obey(ctx context.Context, text string) (leave bool, err error) {
	if strings.HasPrefix(text, ".") {
		return s.command(ctx, strings.Fields(text))
	}
	if s.keys != nil && isKVWords(text) {
		ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errTimeout)
		defer cancel()
		return false, s.keys.run(ctx, text)
	}
	statements, rest := split(text)
	if rest != "" {
		statements = append(statements, rest)
	}
	for _, st := range statements {
		if err := s.statement(ctx, st); err != nil {
			return false, err
		}
	}
	return false, nil
}

const shellHelp = `SELECT …;               SQL over the copied rows; it may go on over several lines
.tables                 the tables and views
.shards  .nodes         the cluster (not with --file)
.mode table|json|jsonl|csv
.help  .exit
`

const bankHelp = `.bank                   the accounts' total, of one moment
`

const kvHelp = `get KEY…  put KEY VALUE  del KEY…  scan [START [END]]
`

// command runs a dot command.
func (s *shell) command(ctx context.Context, words []string) (leave bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errTimeout)
	defer cancel()
	switch words[0] {
	case ".exit", ".quit":
		return true, nil
	case ".help":
		fmt.Fprint(s.say, shellHelp)
		if s.keys != nil {
			fmt.Fprint(s.say, kvHelp)
		}
		if s.bank != nil {
			fmt.Fprint(s.say, bankHelp)
		}
		return false, nil
	case ".bank":
		return false, s.total(ctx)
	case ".tables":
		return false, s.statement(ctx, "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY type, name")
	case ".mode":
		if len(words) != 2 {
			return false, usageError(".mode table, json, jsonl or csv")
		}
		next := outputOptions{format: words[1]}
		if err := next.validate(); err != nil {
			return false, err
		}
		s.output = next
		return false, nil
	case ".shards", ".nodes":
		return false, s.cluster(ctx, words[0])
	}
	return false, usageError("there is no command %s; .help lists them", words[0])
}

// total proves that transfers keep the money together.
func (s *shell) total(ctx context.Context) error {
	if s.bank == nil {
		return usageError(".bank is the demo's")
	}
	total, err := s.bank.total(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "the accounts hold %d, after %d transfers of this run\n", total, s.bank.transfers.Load())
	return err
}

// cluster lists shards or nodes.
func (s *shell) cluster(ctx context.Context, what string) error {
	if s.conn == nil {
		return usageError("%s asks a cluster, and this is one file", what)
	}
	if what == ".nodes" {
		nodes, err := listNodes(ctx, s.conn)
		if err != nil {
			return err
		}
		return s.output.print(s.out, nodeListing(nodes))
	}
	shards, err := listShards(ctx, s.conn, 0)
	if err != nil {
		return err
	}
	return s.output.print(s.out, shardListing(shards, &keyOptions{}))
}
