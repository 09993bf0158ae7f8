package export

import (
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// Format is the version of what an export looks like. Import reads this one only.
const Format = 1

// Names of files that every export has.
const (
	ManifestName = fleet.ManifestName
	DatabaseName = "database.sql"
)

// Consistency says of which moment an export is.
type Consistency string

const (
	// Snapshot: all of it is of one moment, since it was read in one transaction.
	Snapshot Consistency = "snapshot"
	// WritesStopped: it was read in several transactions, and the last of them proved that every row was still as it had been read.
	WritesStopped Consistency = "writes_stopped"
	// PerTable: each table is of one moment in each file, but not all of the same one. Foreign keys that don't hold therefore are
	// restored as not valid, with a warning; Import refuses them.
	PerTable Consistency = "table"
)

// CSVRules tells who reads the CSV files what RFC 4180 leaves open.
const CSVRules = `RFC 4180 with a header, UTF-8, lines end in CR LF. An unquoted empty field is NULL, a quoted one ("") an empty text; ` +
	`in a table of one column a NULL is an empty line. Values are PostgreSQL's text form, times with zone in UTC, bytea in hex. ` +
	`Line ends within a quoted field are the value's own. Generated columns are not in the files.`

// Manifest describes an export. Its JSON is the file manifest.json.
type Manifest struct {
	Format        int         `json:"format"`
	MadeAt        time.Time   `json:"made_at"` // when the reading began
	Instance      string      `json:"instance"`
	SchemaVersion string      `json:"schema_version"` // of the last migration applied, "" where there is no history
	PostgreSQL    string      `json:"postgresql"`     // the server's version
	Consistency   Consistency `json:"consistency"`
	CSV           string      `json:"csv"` // CSVRules
	Files         []File      `json:"files"`
	Sequences     []Sequence  `json:"sequences,omitempty"`
	LeftOut       []LeftOut   `json:"left_out,omitempty"`
}

// File is one of an export's files.
type File struct {
	Name    string   `json:"name"` // with slashes, within the export
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`            // in hex
	Table   string   `json:"table,omitempty"`   // whose rows it holds, as SQL writes it: public."Mixed"
	Columns []string `json:"columns,omitempty"` // of a table's file, as the catalog writes them
	Rows    int64    `json:"rows"`              // of database.sql: of all tables together
}

// Sequence is where a sequence stands.
type Sequence struct {
	Name   string `json:"name"` // as SQL writes it
	Last   int64  `json:"last"`
	Called bool   `json:"called"` // whether Last was given out
}

// LeftOut is what an export doesn't hold.
type LeftOut struct {
	What   string `json:"what"` // as PostgreSQL describes it: "event trigger x"
	Reason string `json:"reason"`
}

// Lost reports whether it is the customer's own, and should be in the export: files, rows, large objects. All else can be made again, or is of
// no use elsewhere.
func (l LeftOut) Lost() bool {
	if strings.HasPrefix(l.What, "rows of table ") {
		return l.Reason == unreadable || l.Reason == hidden
	}
	return strings.HasPrefix(l.What, "media ") || strings.HasPrefix(l.What, "large object ")
}

// JSON is the manifest's file.
func (m Manifest) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// ParseManifest reads a manifest and refuses one of another format, or whose files have names that lead elsewhere, appear twice,
// or lack a checksum, with Rejected.
func ParseManifest(text []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return Manifest{}, fault.New(fault.Rejected, "the manifest is no JSON of a manifest")
	}
	if m.Format != Format {
		return Manifest{}, fault.New(fault.Rejected, "the export is of format %d, this build reads %d", m.Format, Format)
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		sum, err := hex.DecodeString(f.SHA256)
		if !fs.ValidPath(f.Name) || f.Name == ManifestName || strings.Contains(f.Name, `\`) || seen[f.Name] || err != nil || len(sum) != 32 || f.Bytes < 0 || f.Rows < 0 {
			return Manifest{}, fault.New(fault.Rejected, "the manifest's entry %q is not usable", f.Name)
		}
		seen[f.Name] = true
	}
	return m, nil
}

// awkward are the characters that don't stand in a file's name as they are. A dot parts schema and table.
var awkward = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\x00-\x20!-,./:-@[-^` + "`" + `{-\x7f]`) })

// csvName is the file of a table's rows.
func csvName(schema, table string) string {
	return "csv/" + escape(schema) + "." + escape(table) + ".csv"
}

func escape(name string) string {
	return awkward().ReplaceAllStringFunc(name, func(c string) string { return "%" + strings.ToUpper(hex.EncodeToString([]byte(c))) })
}
