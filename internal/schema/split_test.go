package schema

import (
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		want      []string
	}{
		{"empty", " \n; ;;", nil},
		{"two, the last without semicolon", "select 1;\n\nselect 2\n", []string{"select 1", "select 2"}},
		{"string", "select 'a;''b;';select 1", []string{"select 'a;''b;'", "select 1"}},
		{"backslash is plain", `select 'a\'; select 1`, []string{`select 'a\'`, "select 1"}},
		{"backslash escapes", `select E'a\';b'; select 1`, []string{`select E'a\';b'`, "select 1"}},
		{"word that ends in e", `select date'a\'; select 1`, []string{`select date'a\'`, "select 1"}},
		{"quoted name", `select ";""" ; select 1`, []string{`select ";"""`, "select 1"}},
		{"dollar quote", "do $$ begin; end $$; select 1", []string{"do $$ begin; end $$", "select 1"}},
		{"tagged dollar quote", "do $a$ ; $$ ; $b$ ; $a$; select 1", []string{"do $a$ ; $$ ; $b$ ; $a$", "select 1"}},
		{"dollar within a name", "select a$b$; select c$b$", []string{"select a$b$", "select c$b$"}},
		{"parameter", "select $1; select $2", []string{"select $1", "select $2"}},
		{"line comment", "-- it's; so\nselect 1; -- end;", []string{"-- it's; so\nselect 1", "-- end"}},
		{"nested comment", "/* ; /* ; */ ' ; */ select 1; select 2", []string{"/* ; /* ; */ ' ; */ select 1", "select 2"}},
		{"open string", "select 'a;b", []string{"select 'a;b"}},
		{"other alphabets", "select é';'; select \"ü;\"", []string{"select é';'", "select \"ü;\""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := split(c.sql); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// FuzzSplit: nothing but space and semicolons is lost, and a statement is not split further.
func FuzzSplit(f *testing.F) {
	for _, m := range All() {
		f.Add(m.SQL)
	}
	f.Add("select 'a;''b;'; do $a$ ; $$ $a$; /* /* ; */ */ -- ;\n E'\\';'")
	f.Fuzz(func(t *testing.T, sql string) {
		statements := split(sql)
		bare := func(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, ";", " ")), "") }
		if got, want := bare(strings.Join(statements, " ")), bare(sql); got != want {
			t.Errorf("%q lost something: %q", sql, statements)
		}
		for _, s := range statements {
			if again := split(s); len(again) > 1 {
				t.Errorf("%q splits again into %q", s, again)
			}
		}
	})
}
