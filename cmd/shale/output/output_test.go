package output

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
)

// sample has one value of every kind, and what is hard to print.
func sample() *Listing {
	l := NewListing("shard", "key", "value", "share")
	l.Add(int64(2), []byte("city/東京"), `{"country":"Japan"}`, 0.5)
	l.Add(int64(10), []byte{0, 0xff}, "two\nlines|\x1b[31m", nil)
	l.Add(int64(-1), []byte("ö"), nil, 3.0)
	return l
}

func printed(t *testing.T, f Format, rows Rows, o Options) string {
	t.Helper()
	var out bytes.Buffer
	_, err := Print(&out, f, rows, o)
	require.NoError(t, err)
	return out.String()
}

func TestFormats(t *testing.T) {
	for f, want := range map[Format]string{
		Table: `
shard  key        value                share
    2  city/東京  {"country":"Japan"}    0.5
   10  \x00\xff   two\nlines|\x1b[31m   NULL
   -1  ö          NULL                   3.0
`,
		JSON: `
[{"shard":2,"key":"Y2l0eS/mnbHkuqw=","value":"{\"country\":\"Japan\"}","share":0.5},
{"shard":10,"key":"AP8=","value":"two\nlines|\u001b[31m","share":null},
{"shard":-1,"key":"w7Y=","value":null,"share":3.0}]
`,
		JSONL: `
{"shard":2,"key":"Y2l0eS/mnbHkuqw=","value":"{\"country\":\"Japan\"}","share":0.5}
{"shard":10,"key":"AP8=","value":"two\nlines|\u001b[31m","share":null}
{"shard":-1,"key":"w7Y=","value":null,"share":3.0}
`,
		CSV: `
shard,key,value,share
2,city/東京,"{""country"":""Japan""}",0.5
10,\x00\xff,two\nlines|\x1b[31m,
-1,ö,,3.0
`,
		Markdown: `
| shard | key | value | share |
| --- | --- | --- | --- |
| 2 | city/東京 | {"country":"Japan"} | 0.5 |
| 10 | \\x00\\xff | two\\nlines\|\\x1b\[31m | NULL |
| -1 | ö | NULL | 3.0 |
`,
	} {
		require.Equal(t, strings.TrimPrefix(want, "\n"), printed(t, f, sample(), Options{}), f)
	}
}

// Without a header, and without a row.
func TestEmpty(t *testing.T) {
	for f, want := range map[Format][2]string{
		Table:    {"a  b\n", ""},
		JSON:     {"[]\n", "[]\n"},
		JSONL:    {"", ""},
		CSV:      {"a,b\n", ""},
		Markdown: {"| a | b |\n| --- | --- |\n", "|  |  |\n| --- | --- |\n"},
	} {
		require.Equal(t, want[0], printed(t, f, NewListing("a", "b"), Options{}), f)
		require.Equal(t, want[1], printed(t, f, NewListing("a", "b"), Options{NoHeader: true}), f)
	}
	require.Empty(t, printed(t, Table, NewListing(), Options{}), "a statement without a result")
}

// A table shows the beginning of what is long, and cuts between two characters.
func TestCut(t *testing.T) {
	l := NewListing("v")
	l.Add(strings.Repeat("x", 119) + "東京")
	l.Add(bytes.Repeat([]byte{0x80}, 121))
	out := strings.Split(printed(t, Table, l, Options{}), "\n")
	require.Equal(t, strings.Repeat("x", 119)+"… (125 bytes)", out[1])
	require.Equal(t, strings.Repeat(`\x80`, 120)+"… (121 bytes)", out[2])
	l.at = 0
	require.Contains(t, printed(t, CSV, l, Options{}), "東京")
}

// Every code point and every byte is printed as the formatter prints it, also on the short way.
func TestTextAgrees(t *testing.T) {
	for r := range rune(0x3000) {
		require.Equal(t, mvcc.FormatValue([]byte(string(r)), 0), Text(string(r), 0))
	}
	for b := range 256 {
		require.Equal(t, mvcc.FormatValue([]byte{byte(b)}, 0), Text([]byte{byte(b)}, 0))
	}
	require.Equal(t, `"\u009b�😀\u202e\udb40\udc01"`, string(appendString(nil, "\u009b\xff😀\u202e\U000E0001")))
}

// A column is named after its expression, as it was typed: on one line here.
func TestHeading(t *testing.T) {
	l := NewListing("count(*)\n  FILTER (WHERE a)", "a", "a")
	l.Add(int64(1), int64(2), int64(3))
	require.Equal(t, "count(*) FILTER (WHERE a)  a  a\n                        1  2  3\n", printed(t, Table, l, Options{}))
	l.at = 0
	require.Equal(t, `{"count(*)\n  FILTER (WHERE a)":1,"a":2,"a:1":3}`+"\n", printed(t, JSONL, l, Options{}),
		"no member is lost to another of its name")
}

func TestColor(t *testing.T) {
	l := NewListing("a", "b")
	l.Add(nil, "x")
	require.Equal(t, "\x1b[1ma\x1b[0m     \x1b[1mb\x1b[0m\n\x1b[2mNULL\x1b[0m  x\n", printed(t, Table, l, Options{Color: true}))
	l.at = 0
	require.NotContains(t, printed(t, CSV, l, Options{Color: true}), "\x1b")
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer null.Close()
	require.False(t, Colored(null))
	require.False(t, Colored(&bytes.Buffer{}))
}

// A terminal has colour, unless it or its owner says that it has none.
func TestColored(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no terminals here:", err)
	}
	defer master.Close()
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	require.True(t, Colored(master))
	t.Setenv("TERM", "dumb")
	require.False(t, Colored(master))
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	require.False(t, Colored(master))
}

// A row that came late is written at once, one that came early waits for others.
func TestLate(t *testing.T) {
	var out bytes.Buffer
	s := &stream{Writer: bufio.NewWriter(&out), written: time.Now().Add(-time.Hour)}
	for range 2 {
		_, err := s.WriteString("row\n")
		require.NoError(t, err)
		require.NoError(t, s.rowDone())
		s.written = time.Now().Add(time.Hour)
	}
	require.Equal(t, "row\n", out.String())
}

// endless yields n rows without holding them.
type endless struct {
	n, at int
	err   error
}

func (e *endless) Columns() []string { return []string{"n"} }
func (e *endless) Next() bool        { e.at++; return e.at <= e.n }
func (e *endless) Row() []any        { return []any{int64(e.at)} }
func (e *endless) Err() error        { return e.err }

// A table holds a bounded number of rows and says how many more there were; the other formats
// have all.
func TestTableBound(t *testing.T) {
	var out, say bytes.Buffer
	n, err := Print(&out, Table, &endless{n: 12_345}, Options{Say: &say})
	require.NoError(t, err)
	require.Equal(t, 12_345, n)
	require.Equal(t, 10_001, strings.Count(out.String(), "\n"))
	require.Equal(t, "there are 2,345 more rows: a table shows the first 10,000; csv, json and jsonl have all of them\n", say.String())
	require.Equal(t, 12_346, strings.Count(printed(t, CSV, &endless{n: 12_345}, Options{}), "\n"))
}

// Part of an answer does not look like the whole.
func TestBroken(t *testing.T) {
	gone := errors.New("shard 3 is gone")
	for f, want := range map[Format]string{
		Table: "", JSON: "[{\"n\":1},\n{\"n\":2}\n", JSONL: "{\"n\":1}\n{\"n\":2}\n", CSV: "n\n1\n2\n",
	} {
		var out bytes.Buffer
		n, err := Print(&out, f, &endless{n: 2, err: gone}, Options{})
		require.ErrorIs(t, err, gone, f)
		require.Equal(t, want, out.String(), f)
		require.LessOrEqual(t, n, 2)
	}
	var none bytes.Buffer
	_, err := Print(&none, JSON, &endless{err: gone}, Options{})
	require.ErrorIs(t, err, gone)
	require.Empty(t, none.String())
}

// A reader that has gone away ends the printing: `shale sql … | head`.
func TestClosedPipe(t *testing.T) {
	for _, f := range Names() {
		r, w := io.Pipe()
		require.NoError(t, r.Close())
		_, err := Print(w, Format(f), &endless{n: 1_000_000}, Options{})
		require.ErrorIs(t, err, io.ErrClosedPipe, f)
		_, err = Print(iotest.TruncateWriter(w, 0), Format(f), &endless{n: 1}, Options{})
		require.NoError(t, err)
	}
}

func TestParse(t *testing.T) {
	for _, name := range Names() {
		f, err := Parse(name)
		require.NoError(t, err)
		require.Equal(t, name, string(f))
	}
	f, err := Parse("")
	require.NoError(t, err)
	require.Equal(t, Table, f)
	_, err = Parse("xml")
	require.EqualError(t, err, `a format is one of table, json, jsonl, csv and markdown, not "xml"`)
	_, err = Print(io.Discard, "xml", NewListing(), Options{})
	require.ErrorContains(t, err, `not "xml"`)
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -123456: "-123,456"} {
		require.Equal(t, want, Thousands(n))
	}
}

// What is printed as JSON is read back as it was, whatever it is; a row is a line in every
// format but json.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		n := rapid.Int64().Draw(t, "n")
		x := rapid.Float64().Draw(t, "x")
		listing := func() *Listing { l := NewListing("text", "raw", "n", "x"); l.Add(text, raw, n, x); return l }
		for _, f := range []Format{Table, JSONL, CSV, Markdown} {
			var out bytes.Buffer
			_, err := Print(&out, f, listing(), Options{NoHeader: true})
			if err != nil {
				t.Fatal(err)
			}
			lines := map[Format]int{Markdown: 3}[f]
			if got := strings.Count(out.String(), "\n"); got != max(lines, 1) {
				t.Fatalf("%s: %d lines: %q", f, got, out.String())
			}
			if strings.ContainsFunc(strings.ReplaceAll(out.String(), "\n", ""), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%s drives the terminal: %q", f, out.String())
			}
		}
		var out bytes.Buffer
		if _, err := Print(&out, JSON, listing(), Options{}); err != nil {
			t.Fatal(err)
		}
		var got []struct {
			Text string
			Raw  []byte
			N    int64
			X    json.Number
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		back, _ := got[0].X.Float64()
		if got[0].Text != text || !bytes.Equal(got[0].Raw, raw) || got[0].N != n || back != x && !math.IsNaN(x) && !math.IsInf(x, 0) {
			t.Fatalf("%+v", got[0])
		}
	})
}

func TestInfinity(t *testing.T) {
	l := NewListing("a", "b", "c")
	l.Add(math.Inf(1), math.Inf(-1), math.NaN())
	require.Equal(t, `{"a":9e999,"b":-9e999,"c":null}`+"\n", printed(t, JSONL, l, Options{}))
}

// CSV is read back field by field.
func TestCSVFields(t *testing.T) {
	l := NewListing(`a "b", c`, "d")
	l.Add(" x,\"y\" ", "\\")
	got, err := csv.NewReader(strings.NewReader(printed(t, CSV, l, Options{}))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{{`a "b", c`, "d"}, {` x,"y" `, `\\`}}, got)
}
