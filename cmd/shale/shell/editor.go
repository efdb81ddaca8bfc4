package shell

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/reeflective/readline"
)

// edited reads with a line editor from the process's terminal.
func (s *Shell) edited() func() (string, error) {
	sh := readline.NewShell()
	for name, value := range map[string]any{
		"enable-bracketed-paste":       true, // what is pasted runs at Enter, not line by line
		"completion-ignore-case":       true,
		"convert-meta":                 false, // it takes ü for a key with Alt
		"input-meta":                   true,
		"output-meta":                  true,
		"menu-complete-display-prefix": true, // the first TAB shows, the second chooses
		// What marks the lines of a statement is gray. Without it they are indented.
		"multiline-column": os.Getenv("NO_COLOR") == "",
	} {
		// It fails where a variable has another type: they are the library's own.
		_ = sh.Config.Set(name, value)
	}
	// TAB shows what fits, not the first that does; also where inputrc says emacs, or vi.
	for _, keymap := range []string{"emacs", "vi-insert"} {
		_ = sh.Config.Bind(keymap, "\t", "menu-complete", false)
	}
	sh.Prompt.Primary(s.prompt)
	sh.Prompt.Secondary(s.secondary)
	sh.AcceptMultiline = func(typed []rune) bool { return accepted(string(typed)) }
	sh.Completer = func(line []rune, cursor int) readline.Completions {
		return s.complete(string(line[:cursor]), string(line[cursor:])).menu()
	}
	if s.cfg.History != "" {
		h, err := openHistory(s.cfg.History)
		if err != nil {
			fmt.Fprintf(s.cfg.Say, "what you type is not remembered: %v\n", err)
		}
		sh.History.Add("history", h)
	}
	said := false // one interrupt on an empty line was answered with how to leave
	return func() (string, error) {
		for {
			text, err := sh.Readline()
			switch {
			case errors.Is(err, readline.ErrInterrupt) && strings.TrimSpace(text) != "":
				said = false // what was typed is thrown away
			case errors.Is(err, readline.ErrInterrupt) && said:
				return "", ErrInterrupted
			case errors.Is(err, readline.ErrInterrupt):
				said = true
				fmt.Fprintln(s.cfg.Say, "(.exit, Ctrl-D or another Ctrl-C leaves)")
			case err != nil:
				return "", err
			case strings.TrimSpace(text) != "":
				said = false
				return text, nil
			}
		}
	}
}

// accepted says whether Enter runs what was typed, or begins the next line.
func accepted(text string) bool {
	_, rest := Split(text)
	return rest == ""
}
