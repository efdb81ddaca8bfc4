package virtual

import (
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// pragmas are those that only say something of the session's own database. Constant.
var pragmas = map[string]bool{
	"table_info": true, "table_xinfo": true, "table_list": true, "index_list": true, "index_info": true,
	"index_xinfo": true, "foreign_key_list": true, "function_list": true, "module_list": true,
	"pragma_list": true, "collation_list": true, "compile_options": true, "database_list": true,
}

// authorize is asked for each thing that a statement would do, while SQLite prepares it. The
// session's own memory is the user's to use; files are not, and neither are the session's
// tables, but for the rows of those with a writer (P30).
func (s *Session) authorize(action sqlite.AuthorizerActionCode, a, b, _, view string) sqlite.AuthorizerReturnCode {
	r := s.run
	if s.internal {
		return sqlite.AuthorizerOK
	}
	if r == nil {
		return sqlite.AuthorizerDeny
	}
	r.views = r.views || view != ""
	if err := s.judge(r, action, a, b); err != nil {
		if r.refused == nil {
			r.refused = err
		}
		return sqlite.AuthorizerDeny
	}
	return sqlite.AuthorizerOK
}

func (s *Session) judge(r *run, action sqlite.AuthorizerActionCode, a, b string) error {
	switch action {
	case sqlite.AuthSelect, sqlite.AuthRecursive, sqlite.AuthDetach, sqlite.AuthAnalyze, sqlite.AuthReindex,
		sqlite.AuthCreateIndex, sqlite.AuthCreateTable, sqlite.AuthCreateTempIndex, sqlite.AuthCreateTempTable,
		sqlite.AuthCreateTempView, sqlite.AuthCreateView, sqlite.AuthDropIndex, sqlite.AuthDropTable,
		sqlite.AuthDropTempIndex, sqlite.AuthDropTempTable, sqlite.AuthDropTempView, sqlite.AuthDropView:
		return nil
	case sqlite.AuthRead:
		r.usesOurs = r.usesOurs || s.tables[strings.ToLower(a)] != nil
		r.usesKV = r.usesKV || s.config.Begin != nil && strings.EqualFold(a, kvName)
		return nil
	case sqlite.AuthTransaction:
		r.begins = r.begins || a == "BEGIN"
		return nil
	case sqlite.AuthSavepoint:
		r.begins = r.begins || a == "BEGIN"
		return nil
	case sqlite.AuthFunction:
		return judgeFunction(b)
	case sqlite.AuthPragma:
		if !pragmas[strings.ToLower(a)] {
			return &RefusedError{fmt.Sprintf("PRAGMA %s is not for this session", a)}
		}
		return nil
	case sqlite.AuthInsert, sqlite.AuthUpdate, sqlite.AuthDelete:
		if strings.EqualFold(a, kvName) && action == sqlite.AuthUpdate && strings.EqualFold(b, "commit_ts") {
			return &RefusedError{"kv: a commit timestamp is given, not chosen"}
		}
		return s.judgeWrite(r, a)
	case sqlite.AuthAlterTable:
		if s.tables[strings.ToLower(b)] != nil {
			return &RefusedError{b + " is the session's own table: it cannot be altered"}
		}
		return nil
	case sqlite.AuthAttach:
		if a != ":memory:" {
			return &RefusedError{"ATTACH and VACUUM would touch a file; ATTACH ':memory:' is allowed"}
		}
		return nil
	case sqlite.AuthDropVTable:
		return &RefusedError{a + " is the session's own table: it cannot be dropped"}
	case sqlite.AuthCreateVTable:
		return &RefusedError{"this session has the virtual tables that .tables lists, and no others"}
	}
	return &RefusedError{"this session does not do that (triggers among others)"}
}

// judgeFunction refuses what could reach past SQLite.
func judgeFunction(f string) error {
	switch strings.ToLower(f) {
	case "load_extension", "fts3_tokenizer", "readfile", "writefile", "edit":
		return &RefusedError{f + "() is not for this session"}
	}
	return nil
}

func (s *Session) judgeWrite(r *run, table string) error {
	t := s.tables[strings.ToLower(table)]
	switch {
	case t == nil:
		r.fillsOwn = true
		return nil
	case t.Writer == nil:
		return &RefusedError{t.Name + " is read only"}
	case !s.write && !r.tokens[0].is("EXPLAIN"):
		return writesOff(t.Name)
	}
	r.writes[t] = true
	r.usesKV = r.usesKV || t.Name == kvName
	return nil
}
