package shell

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		text string
		done []string
		rest string
	}{
		{"", nil, ""},
		{" ;; -- nothing\n", nil, ""},
		{"-- nothing", nil, ""},
		{"SELECT 1", nil, "SELECT 1"},
		{"SELECT 1; SELECT 2 ;", []string{"SELECT 1", "SELECT 2"}, ""},
		{"SELECT ';' ; SELECT \"a;b\"", []string{"SELECT ';'"}, `SELECT "a;b"`},
		{"SELECT 'it''s; so';", []string{"SELECT 'it''s; so'"}, ""},
		{"SELECT 1 -- one; two\n;SELECT /* ; */ 2", []string{"SELECT 1 -- one; two"}, "SELECT /* ; */ 2"},
		{"SELECT [a;b], `c;d`;", []string{"SELECT [a;b], `c;d`"}, ""},
		{"SELECT 'open; SELECT 2;", nil, "SELECT 'open; SELECT 2;"},
		{".help", []string{".help"}, ""},
		{"\n.mode csv\nSELECT 1;", []string{".mode csv", "SELECT 1"}, ""},
		{".tables; SELECT 1;", []string{".tables; SELECT 1"}, ""},
		{"SELECT 1\n.help\n;", []string{"SELECT 1\n.help"}, ""},
		{"exit", []string{"exit"}, ""},
		{" Quit ;\n", []string{"Quit"}, ""},
		{"exit now", nil, "exit now"},
		{"get k", []string{"get k"}, ""},
		{"GET k; put k v\nSELECT 1;", []string{"GET k", "put k v", "SELECT 1"}, ""},
		{"getter", nil, "getter"},
		{"PUT k {\"a\": \"x; y\"}", []string{`PUT k {"a": "x; y"}`}, ""},
		{"PUT k it's; GET k", []string{"PUT k it's", "GET k"}, ""},
		{`PUT k "a\"; b"; GET k`, []string{`PUT k "a\"; b"`, "GET k"}, ""},
		{"PUT k 'two\nlines'\nGET k", []string{"PUT k 'two\nlines'", "GET k"}, ""},
		{"PUT k 'open", nil, "PUT k 'open"},
		{"BEGIN; PUT a 1; COMMIT;", []string{"BEGIN", "PUT a 1", "COMMIT"}, ""},
	} {
		done, rest := Split(c.text)
		var texts []string
		for _, st := range done {
			texts = append(texts, st.Text)
		}
		require.Equal(t, c.done, texts, c.text)
		require.Equal(t, c.rest, rest, c.text)
		require.Equal(t, c.rest == "", accepted(c.text), c.text)
	}
}

func TestSplitLines(t *testing.T) {
	all := SplitAll("SELECT 1;\n\n-- two\n.mode csv\nGET a; GET b\nSELECT\n2")
	var lines []int
	var languages []Language
	for _, st := range all {
		lines, languages = append(lines, st.Line), append(languages, st.Language)
	}
	require.Equal(t, []int{1, 4, 5, 5, 6}, lines)
	require.Equal(t, []Language{SQL, Dot, Keys, Keys, SQL}, languages)
}

// However a text is cut into pieces on its way in, the same statements come out, and none of
// the text is lost.
func TestSplitPieces(t *testing.T) {
	part := rapid.SampledFrom([]string{"SELECT 1", ";", "'", "\"", "--", "/*", "*/", "\n", " ", "PUT k ", "{\"a\"", ".help", "[", "]", "\\", "é", "BEGIN"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 0, 20).Draw(t, "parts"), "")
		done, rest := Split(text)
		if !strings.HasSuffix(text, rest) {
			t.Fatalf("rest %q of %q", rest, text)
		}
		before := text[:len(text)-len(rest)]
		again, none := Split(before)
		if len(again) != len(done) || none != "" && languageOf(rest) == SQL && rest != "" && !strings.HasPrefix(text[len(before):], none) {
			t.Fatalf("%q: %v, then %v and %q", text, done, again, none)
		}
		for _, st := range SplitAll(text) {
			if !strings.Contains(text, st.Text) || st.Line < 1 || st.Line > 1+strings.Count(text, "\n") {
				t.Fatalf("%q is not of %q", st.Text, text)
			}
		}
		_, _, _ = current(text)
		_ = open(text)
		_ = tokens(text)
		_ = sources(text)
	})
}

func TestWords(t *testing.T) {
	for line, want := range map[string][]string{
		`GET a  b	c`:               {"GET", "a", "b", "c"},
		`GET 'a b' "c\td\x00"`:     {"GET", "a b", "c\td\x00"},
		`GET ''`:                   {"GET", ""},
		"GET \"a\nb\" it's \"\\\"": nil,
		`GET 'a'b`:                 nil,
		`GET "\q"`:                 nil,
		`GET 'a`:                   nil,
	} {
		found, err := words(line, 0)
		if want == nil {
			require.Error(t, err, line)
			continue
		}
		require.NoError(t, err, line)
		var texts []string
		for _, w := range found {
			texts = append(texts, w.text)
		}
		require.Equal(t, want, texts, line)
	}
}
