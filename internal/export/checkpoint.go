package export

import "time"

// Checkpoint is how far an export has come: all that another process needs to go on. The zero value is the beginning. It is
// kept as JSON, some 400 bytes a table.
type Checkpoint struct {
	Begun    time.Time  `json:"begun"`
	Runs     int        `json:"runs"`     // transactions that read for it
	Restarts int        `json:"restarts"` // from the very beginning, since the schema had changed
	Plan     string     `json:"plan"`     // hash of what is to be written
	Files    []File     `json:"files,omitempty"`
	Dumped   []Dumped   `json:"dumped,omitempty"` // in the order of the plan's tables, those of database.sql first
	Stand    []Sequence `json:"stand,omitempty"`
	Open     *Position  `json:"open,omitempty"` // in the file after those that are done
	Done     bool       `json:"done"`

	// What is known once Done.
	Consistency   Consistency `json:"consistency,omitempty"`
	SchemaVersion string      `json:"schema_version,omitempty"`
	PostgreSQL    string      `json:"postgresql,omitempty"`
	LeftOut       []LeftOut   `json:"left_out,omitempty"`
}

// Dumped is a table's rows in one file.
type Dumped struct {
	Rows int64 `json:"rows"`
	Seen
}

// Seen is since when a table is being read, for the proof that it is still the same.
type Seen struct {
	Since uint64 `json:"since"` // transactions of this number and later ones may not have been seen
	File  uint32 `json:"file"`  // PostgreSQL's, in which the rows have their places
}

// Position is a place in a file that is being written: behind the last part that was stored.
type Position struct {
	Upload  string `json:"upload"`
	Parts   int    `json:"parts"`
	Bytes   int64  `json:"bytes"`
	Hash    []byte `json:"hash"`    // SHA-256's state
	Section int    `json:"section"` // of the file
	// After is the place of the last row of the section's table that was written, "(0,0)" for none yet; empty before the section.
	After    string `json:"after,omitempty"`
	Row      Dumped `json:"row"` // of that table so far
	Restarts int    `json:"restarts,omitempty"`
	Closing  bool   `json:"closing,omitempty"` // all parts are stored
}

// Manifest describes an export that is done. Who adds files to the export adds them to the manifest, then seals it.
func (c Checkpoint) Manifest(instance string) Manifest {
	return Manifest{Format: Format, MadeAt: c.Begun, Instance: instance, SchemaVersion: c.SchemaVersion, PostgreSQL: c.PostgreSQL,
		Consistency: c.Consistency, CSV: CSVRules, Files: c.Files, Sequences: c.Stand, LeftOut: c.LeftOut}
}
