package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/shaledb/shale/cmd/shale/output"
)

// toggle reads on or off; without either it answers the other one.
func toggle(command, rest string, now bool) (bool, error) {
	switch strings.ToLower(rest) {
	case "on":
		return true, nil
	case "off":
		return false, nil
	case "":
		return !now, nil
	}
	return now, mistake("%s on, or %s off", command, command)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (s *Shell) mode(_ context.Context, rest string) error {
	if rest == "" {
		_, err := fmt.Fprintln(s.cfg.Say, s.format)
		return err
	}
	f, err := output.Parse(rest)
	if err != nil {
		return mistake("%v", err)
	}
	s.format = f
	return nil
}

func (s *Shell) headers(_ context.Context, rest string) error {
	on, err := toggle(".headers", rest, !s.noHeader)
	s.noHeader = !on
	return err
}

func (s *Shell) setTimer(_ context.Context, rest string) (err error) {
	s.timer, err = toggle(".timer", rest, s.timer)
	return err
}

// setWrite wants the word: a toggle could allow what somebody meant to forbid.
func (s *Shell) setWrite(_ context.Context, rest string) error {
	t, err := s.transactor(".write")
	if err != nil {
		return err
	}
	if rest == "" {
		_, err := fmt.Fprintln(s.cfg.Say, "writing is "+onOff(t.Write()))
		return err
	}
	on, err := toggle(".write", rest, t.Write())
	if err == nil {
		t.SetWrite(on)
	}
	return err
}

// setOutput sends results to a file, or back to where they went at first.
func (s *Shell) setOutput(_ context.Context, rest string) (err error) {
	name, err := s.oneWord(".output [FILE|-]", rest)
	if err != nil {
		return err
	}
	s.closeFile(&err)
	if err != nil || name == "" || name == "-" {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	s.file, s.out = f, f
	return nil
}

// closeFile ends .output. What could not be written is an error, if there is none yet.
func (s *Shell) closeFile(err *error) {
	if s.file == nil {
		return
	}
	if e := s.file.Close(); *err == nil {
		*err = e
	}
	s.file, s.out = nil, s.cfg.Out
}

// oneWord reads a single word, in quotes where it has spaces. None: an empty one.
func (s *Shell) oneWord(usage, rest string) (string, error) {
	found, err := words(rest, 0)
	switch {
	case err != nil:
		return "", err
	case len(found) > 1:
		return "", mistake("%s takes one word; put quotes around one with spaces", usage)
	case len(found) == 0:
		return "", nil
	}
	return found[0].text, nil
}

// asOf sets the moment that all that follows sees.
func (s *Shell) asOf(ctx context.Context, rest string) error {
	t, err := s.transactor(".asof")
	if err != nil {
		return err
	}
	if rest == "" {
		now := "now"
		if ts := t.AsOf(); ts != 0 {
			now = strconv.FormatUint(ts, 10)
		}
		_, err := fmt.Fprintln(s.cfg.Say, now)
		return err
	}
	if t.InTransaction() {
		return mistake(".asof does not move an open transaction: COMMIT or ROLLBACK it first")
	}
	if strings.EqualFold(rest, "now") {
		t.SetAsOf(0)
		return nil
	}
	ts, err := s.timestamp(ctx, rest)
	if err != nil {
		return err
	}
	t.SetAsOf(ts)
	return nil
}

// timestamp reads one: its number, or what the function ts() takes.
func (s *Shell) timestamp(ctx context.Context, text string) (uint64, error) {
	if n, err := strconv.ParseUint(text, 10, 63); err == nil {
		if n == 0 {
			return 0, mistake("a timestamp is above zero; .asof now is the present")
		}
		return n, nil
	}
	text = strings.Trim(text, `'"`)
	v, err := s.one(ctx, "SELECT ts("+literal(text)+")")
	if err != nil {
		return 0, why(ctx, err)
	}
	n, ok := v.(int64)
	if !ok || n <= 0 {
		return 0, mistake("%q is no time: write it as 2026-11-23 10:00", text)
	}
	return uint64(n), nil
}

const usageOfUse = ".use cluster, .use shard N, .use replica NODE, or .use shard N replica NODE"

// use changes what statements run on.
func (s *Shell) use(ctx context.Context, rest string) error {
	target, err := parseTarget(strings.Fields(strings.ToLower(rest)))
	if err != nil {
		return err
	}
	if s.cfg.Use == nil {
		return mistake(".use needs a cluster to choose from, and this shell has none")
	}
	if t, ok := s.engine.(Transactor); ok && t.InTransaction() {
		return mistake(".use ends the open transaction: COMMIT or ROLLBACK it first")
	}
	engine, err := s.cfg.Use(ctx, target)
	if err != nil {
		return err
	}
	if engine == nil {
		return errors.New("nothing answers there")
	}
	s.engine, s.target, s.known = engine, target, nil
	return nil
}

func parseTarget(found []string) (t Target, err error) {
	if len(found) == 1 && found[0] == "cluster" {
		return t, nil
	}
	for ; len(found) >= 2; found = found[2:] {
		n, err := strconv.ParseUint(found[1], 10, 64)
		switch {
		case err != nil || n == 0:
			return t, mistake("%s %s: that is no number", found[0], found[1])
		case found[0] == "shard" && t == Target{}:
			t.Shard = n
		case found[0] == "replica" && t.Node == 0:
			t.Node = n
		default:
			return t, mistake(usageOfUse)
		}
	}
	if len(found) > 0 || t == (Target{}) {
		return t, mistake(usageOfUse)
	}
	return t, nil
}
