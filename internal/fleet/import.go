package fleet

import (
	"fmt"
	"time"
)

// Import is what an operation of kind TakeIn takes into its instance: an export, whoever's it is, and how far it is with it.
type Import struct {
	// From is the instance whose export it is, and Export that export's id; By is the operator who chose it, as in the audit.
	From   string `json:"from"`
	Export string `json:"export"`
	By     string `json:"by"`
	// OtherCustomer is why an export is taken of which no administrator has the mail address of the instance's signup: that operator's words.
	OtherCustomer string `json:"other_customer,omitempty"`
	// Folder is where the export's files are, and Manifest the SHA-256 of its manifest, in hex.
	Folder   string `json:"folder"`
	Manifest string `json:"manifest_sha256"`

	// Database is how far the database is; Rows and Off are known once it is imported.
	Database ImportStatus `json:"database,omitempty"`
	Rows     int64        `json:"rows,omitempty"`
	// Off counts what was switched off, so that it doesn't go on in two places.
	Off ImportOff `json:"off"`
	// Media is how far the files of Storage are.
	Media ImportedMedia `json:"media"`
	// SettledAt is when the instance was seen healthy with all of it.
	SettledAt time.Time `json:"settled_at,omitzero"`
	// Failure says for people why it failed, or what keeps it from going on.
	Failure string `json:"failure,omitempty"`
	// Writer is the invocation that imports; nil for none. Another one waits for its end.
	Writer *ExportWriter `json:"writer,omitempty"`
}

// ImportOff counts what an import switched off: webhooks, whose secrets are encrypted for the other instance; campaigns that ran or were
// planned, which are paused; messages that waited or were being sent; and keys of the API, which are revoked.
type ImportOff struct {
	Webhooks  int `json:"webhooks"`
	Campaigns int `json:"campaigns"`
	Messages  int `json:"messages"`
	APIKeys   int `json:"api_keys"`
}

// String says it to people.
func (o ImportOff) String() string {
	return fmt.Sprintf("switched off: webhooks %d, campaigns %d, messages %d, API keys %d", o.Webhooks, o.Campaigns, o.Messages, o.APIKeys)
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
