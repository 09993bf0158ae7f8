package fleet

import "time"

// Import is what an operation of kind TakeIn takes into its instance: an export, whoever's it is, and how far it is with it.
type Import struct {
	// From is the instance whose export it is, and Export that export's id; By is the operator who chose it, as in the audit.
	From   string `json:"from"`
	Export string `json:"export"`
	By     string `json:"by"`
	// Folder is where the export's files are, and Manifest the SHA-256 of its manifest, in hex.
	Folder   string `json:"folder"`
	Manifest string `json:"manifest_sha256"`

	// Database is how far the database is; Rows and WebhooksOff are known once it is imported.
	Database ImportStatus `json:"database,omitempty"`
	Rows     int64        `json:"rows,omitempty"`
	// WebhooksOff counts the webhooks that were switched off: what signs them is encrypted for the other instance.
	WebhooksOff int `json:"webhooks_off,omitempty"`
	// Media is how far the files of Storage are.
	Media ImportedMedia `json:"media"`
	// SettledAt is when the instance was seen healthy with all of it.
	SettledAt time.Time `json:"settled_at,omitzero"`
	// Failure says for people why it failed, or what keeps it from going on.
	Failure string `json:"failure,omitempty"`
	// Writer is the invocation that imports; nil for none. Another one waits for its end.
	Writer *ExportWriter `json:"writer,omitempty"`
}

// ImportStatus is how far a database's import is.
type ImportStatus string

const (
	// ImportBegun: its transaction may have been committed, or not. The database itself knows.
	ImportBegun ImportStatus = "begun"
	// ImportDone: it was committed.
	ImportDone ImportStatus = "done"
)

// ImportedMedia is how far an archive of media is imported: all before the place At is in Storage.
type ImportedMedia struct {
	Files int64 `json:"files"`
	// At is where in the archive the next file's header begins, and Hash the state of the SHA-256 of what is before it.
	At   int64  `json:"at"`
	Hash []byte `json:"hash,omitempty"`
	// Upload is the file under way, which comes in parts; nil for none.
	Upload *ImportUpload `json:"upload,omitempty"`
	// Theme: the archive had the page's theme.
	Theme bool      `json:"theme,omitempty"`
	Done  time.Time `json:"done_at,omitzero"`
}

// ImportUpload is how far a file is that is uploaded in parts.
type ImportUpload struct {
	ID   string `json:"id"` // Storage's
	Sent int64  `json:"sent"`
	Hash []byte `json:"hash"` // of the archive, up to there
}

// Untouched reports whether nothing of the export is in the instance.
func (i *Import) Untouched() bool { return i == nil || i.Database == "" }
