package ptytest

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// keys are those that have no character. They are constant.
var keys = map[string]string{
	"enter": "\r", "tab": "\t", "escape": "\x1b", "backspace": "\x7f", "space": " ",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
	"ctrl-a": "\x01", "ctrl-c": "\x03", "ctrl-d": "\x04", "ctrl-e": "\x05", "ctrl-k": "\x0b", "ctrl-l": "\x0c",
	"ctrl-r": "\x12", "ctrl-u": "\x15", "ctrl-w": "\x17",
}

// Key is what a key sends, by its name.
func Key(name string) (string, error) {
	if k, ok := keys[name]; ok {
		return k, nil
	}
	return "", fmt.Errorf("no key is named %q", name)
}

// Prompt waits until a line editor waits for keys behind a prompt, and nothing is typed yet.
func (c *Console) Prompt(ctx context.Context, prompt string) error {
	return c.Wait(ctx, fmt.Sprintf("the prompt %q", prompt), func(s *Screen) bool {
		return s.Ready() && strings.TrimSpace(s.Line()) == strings.TrimSpace(prompt)
	})
}

// Type types text into a line editor, as soon as it reads, and waits until it shows.
func (c *Console) Type(ctx context.Context, text string) error {
	if err := c.Wait(ctx, "a line to type on", (*Screen).Ready); err != nil {
		return err
	}
	if err := c.Send(text); err != nil {
		return err
	}
	last := text[strings.LastIndexByte(text, '\n')+1:]
	return c.Wait(ctx, fmt.Sprintf("%q on the cursor's line", last), func(s *Screen) bool {
		return s.Ready() && tailOf(s.Line(), last)
	})
}

// tailOf says whether a line ends in a text; where the text is longer than a line, the line is
// a piece of it.
func tailOf(line, text string) bool {
	return strings.HasSuffix(line, text) || len(line) > 0 && strings.HasSuffix(text, line)
}

// See waits until a text is on the screen or above it.
func (c *Console) See(ctx context.Context, text string) error {
	return c.Wait(ctx, fmt.Sprintf("%q", text), func(s *Screen) bool { return strings.Contains(s.All(), text) })
}

// Match waits until a regular expression fits what is on the screen or above it.
func (c *Console) Match(ctx context.Context, expr *regexp.Regexp) error {
	return c.Wait(ctx, expr.String(), func(s *Screen) bool { return expr.MatchString(s.All()) })
}

// Record plays a script and writes what a person would find scrolling up, when it has ended,
// also if with an error. The script has a step a line; # begins a comment:
//
//	prompt TEXT     wait until the program reads behind a prompt
//	type TEXT       type it, and wait until it shows
//	run TEXT        type it and Enter
//	send TEXT       type it, and do not wait: it shows elsewhere
//	key NAME        enter, tab, up, … once the program reads; ctrl-c at once
//	see TEXT        wait until it is on the screen
//	match EXPR      or until a regular expression fits
//	show TITLE      the window as it is now belongs to the transcript: a menu goes away again
//	exit CODE       wait until the program has ended
func (c *Console) Record(ctx context.Context, w io.Writer, script string) (err error) {
	var shows strings.Builder
	for i, step := range strings.Split(script, "\n") {
		if step = strings.TrimSpace(step); step == "" || step[0] == '#' {
			continue
		}
		verb, rest, _ := strings.Cut(step, " ")
		if verb == "show" {
			fmt.Fprintf(&shows, "\n── %s ──\n%s\n", rest, c.Window())
			continue
		}
		if err = c.step(ctx, verb, rest); err != nil {
			err = fmt.Errorf("line %d: %s: %w", i+1, step, err)
			break
		}
	}
	if _, e := io.WriteString(w, Clean(c.All())+"\n"+shows.String()); err == nil {
		err = e
	}
	return err
}

func (c *Console) step(ctx context.Context, verb, rest string) error {
	switch verb {
	case "prompt":
		return c.Prompt(ctx, rest)
	case "type":
		return c.Type(ctx, rest)
	case "run":
		if err := c.Type(ctx, rest); err != nil {
			return err
		}
		return c.Send(keys["enter"])
	case "send":
		if err := c.Wait(ctx, "a line to type on", (*Screen).Ready); err != nil {
			return err
		}
		return c.Send(rest)
	case "key":
		k, err := Key(rest)
		if err == nil && rest != "ctrl-c" {
			err = c.Wait(ctx, "a line to type on", (*Screen).Ready)
		}
		if err != nil {
			return err
		}
		return c.Send(k)
	case "see":
		return c.See(ctx, rest)
	case "match":
		expr, err := regexp.Compile(rest)
		if err != nil {
			return err
		}
		return c.Match(ctx, expr)
	case "exit":
		code, err := c.Exit(ctx)
		if err == nil && fmt.Sprint(code) != rest {
			err = fmt.Errorf("it ended with %d", code)
		}
		return err
	}
	return fmt.Errorf("no step is named %s", verb)
}

// Clean takes out what is of no interest later: spaces at lines' ends, and more than one empty
// line.
func Clean(transcript string) string {
	var out []string
	for l := range strings.Lines(transcript) {
		l = strings.TrimRight(l, " \t\r\n")
		if l == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, l)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}
