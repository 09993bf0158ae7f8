package export_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/export"
)

// quotedField is one with its quotes.
var quotedField = regexp.MustCompile(`"(?:[^"]|"")*"`)

func TestCSV(t *testing.T) {
	_, super := hurting(t)
	dir, m := whole(t, super)
	run(t, super, `set timezone = 'UTC'; set bytea_output = 'hex'; set datestyle = 'ISO, YMD'; set lc_monetary = 'C'; set search_path = ''`)
	tables := 0
	for _, f := range m.Files[1:] {
		tables++
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Name)))
		if err != nil {
			t.Fatal(err)
		}
		outside := quotedField.ReplaceAll(text, nil)
		if bytes.Count(outside, []byte("\n")) != bytes.Count(outside, []byte("\r\n")) || bytes.Count(outside, []byte("\r\n")) != int(f.Rows)+1 {
			t.Errorf("%s: lines don't end in CR LF, or are not %d and a header", f.Name, f.Rows)
		}
		if f.Table == "public.single" {
			continue // encoding/csv skips the empty line that is a NULL
		}
		records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if diff := cmp.Diff(f.Columns, records[0]); diff != "" {
			t.Errorf("%s: header: %s", f.Name, diff)
		}
		if diff := cmp.Diff(table(t, super, f), records[1:]); diff != "" {
			t.Errorf("%s: database (-), file (+):\n%s", f.Name, diff)
		}
	}
	if want := one[int](t, super, `select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'r' and nspname !~ '^pg_|information_schema|vault'`); tables != want-2 {
		t.Errorf("%d tables have a file, of %d", tables, want) // not auth.sessions, not the one without columns
	}
}

// table is a table's rows as text. encoding/csv makes LF of CR LF within a field.
func table(t *testing.T, conn *pgx.Conn, f export.File) [][]string {
	t.Helper()
	var fields []string
	for _, c := range f.Columns {
		fields = append(fields, "format('%s', "+pgx.Identifier{c}.Sanitize()+")")
	}
	rows, err := conn.Query(t.Context(), "select array["+strings.Join(fields, ", ")+"]::text[] from only "+f.Table+" order by ctid")
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[[]string])
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range all {
		for i := range record {
			record[i] = strings.ReplaceAll(record[i], "\r\n", "\n")
		}
	}
	if all == nil {
		all = [][]string{}
	}
	return all
}

// TestCSVOfNulls compares bytes: encoding/csv doesn't tell NULL from an empty text.
func TestCSVOfNulls(t *testing.T) {
	_, super := project(t)
	run(t, super, `create table pair ("a,b" text, " c" text); insert into pair values (null, ''), ('', null), ('NULL', '\N'), (e'\r\n', e'x\ny'), ('"', ' ');
		create table "One.Of/us" (v text); insert into "One.Of/us" values (null), (''), ('\.'), (e'\\.\n\\.')`)
	dir, _ := whole(t, super)
	for name, want := range map[string]string{
		"csv/public.pair.csv":          "\"a,b\",\" c\"\r\n,\"\"\r\n\"\",\r\nNULL,\\N\r\n\"\r\n\",\"x\ny\"\r\n\"\"\"\", \r\n",
		"csv/public.One%2EOf%2Fus.csv": "v\r\n\r\n\"\"\r\n\"\\.\"\r\n\"\\.\n\\.\"\r\n",
	} {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
}
