package fleet

import (
	"fmt"
	"strings"
	"time"
)

// ExportPurpose is what an export is for.
type ExportPurpose string

const (
	// OnRequest: somebody asked for it.
	OnRequest ExportPurpose = "request"
	// WithNotice: it came with the notice of a decommission; the instance goes on.
	WithNotice ExportPurpose = "notice"
	// Final: it was made once nothing was written any more, and authorises the deletion.
	Final ExportPurpose = "final"
)

// ExportStatus is how far an export is.
type ExportStatus string

const (
	// ExportMaking: its files are being written.
	ExportMaking ExportStatus = "making"
	// ExportSealed: all files are there, and its manifest says which.
	ExportSealed ExportStatus = "sealed"
	// ExportVerified: every file was read back, and is what the manifest says.
	ExportVerified ExportStatus = "verified"
	// ExportFailed: it came to nothing, or its files are not what the manifest says. Nobody is given it.
	ExportFailed ExportStatus = "failed"
)

// How long the files of an export are kept: lifecycle rules by their folders enforce it. Those of an end have to be there when the
// instance is terminated, and are kept as long after it as backups are.
const (
	KeepExports    = 30 * 24 * time.Hour
	KeepEndExports = 120 * 24 * time.Hour
)

// Keep is how long the files of an export are kept that is for this.
func (p ExportPurpose) Keep() time.Duration {
	if p == OnRequest {
		return KeepExports
	}
	return KeepEndExports
}

// Folders of exports, by how long their files are kept. What is noted while they are made is in one of its own.
const (
	RequestFolder  = "requests/"
	EndFolder      = "ends/"
	ProgressFolder = "progress/"
)

// Export is a copy of all that an instance holds, for its customer. Its files, with their checksums, are those of its manifest.
type Export struct {
	ID         string        `json:"id"` // its operation's: an operation makes one
	InstanceID string        `json:"instance_id"`
	Purpose    ExportPurpose `json:"purpose"`
	Status     ExportStatus  `json:"status"`
	// Folder is what the keys of its files begin with, among the exports; "/" at its end.
	Folder string `json:"folder"`
	// Consistency says of which moment the database is: "snapshot", "writes_stopped" or "table", as in the manifest. It and what
	// follows is known once it is sealed.
	Consistency string `json:"consistency,omitempty"`
	Files       int    `json:"files,omitempty"`
	Bytes       int64  `json:"bytes,omitempty"`
	Rows        int64  `json:"rows,omitempty"`
	LeftOut     int    `json:"left_out,omitempty"` // how many things the manifest says it lacks
	// Lost says what of that is the customer's own, and should be there, by bucket or table; empty where nothing is.
	Lost []string `json:"lost,omitempty"`
	// Sourceless: its instance's project was gone from the vendor, so that there was nothing to copy.
	Sourceless bool `json:"sourceless,omitempty"`
	// Manifest is the SHA-256 of its manifest, in hex: it vouches for all files.
	Manifest string `json:"manifest_sha256,omitempty"`
	// Objects is the fingerprint of its files once they were verified.
	Objects string `json:"objects,omitempty"`
	// Failure says for people why it failed.
	Failure string `json:"failure,omitempty"`

	// Progress is how far the step is that writes its files, or reads them back, as of the end of its last invocation; nil before and after.
	Progress *ExportProgress `json:"progress,omitempty"`

	// Writer is the invocation that writes its files; nil for none. Another one waits for its end.
	Writer *ExportWriter `json:"writer,omitempty"`

	BegunAt    time.Time `json:"begun_at"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"` // its files are deleted then
}

// ExportProgress is how far a step of an export is.
type ExportProgress struct {
	// Step is "database", "media", "configuration", "seal" or "verify".
	Step string `json:"step"`
	// Files counts what is written, or read back: files of the export, or those in its archive of media. Bytes are all of it but for what
	// was only read.
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes,omitempty"`
}

// ExportWriter is an invocation that writes an export's files, and until when nothing of it can land any more.
type ExportWriter struct {
	Nonce string    `json:"nonce"`
	Until time.Time `json:"until"`
}

// PurposeOf is what an export is for that an operation of the kind makes.
func PurposeOf(k OperationKind) ExportPurpose {
	switch k {
	case GiveNotice:
		return WithNotice
	case Close:
		return Final
	}
	return OnRequest
}

// Folder is what the keys of an export's files begin with that is for this.
func (p ExportPurpose) Folder(instanceID, export string) string {
	if p == OnRequest {
		return RequestFolder + instanceID + "/" + export + "/"
	}
	return EndFolder + instanceID + "/" + export + "/"
}

// Verified is what is noted of a verified export where it counts.
func (e Export) Verified() VerifiedExport {
	return VerifiedExport{ID: e.ID, Folder: e.Folder, Manifest: e.Manifest, Objects: e.Objects, Lost: e.Lost, VerifiedAt: e.VerifiedAt}
}

// ManifestName is the file of an export that vouches for all its others.
const ManifestName = "manifest.json"

// ExportKey is where a file of an export is among the objects. Names may hold letters that keys may not.
func ExportKey(folder, file string) string {
	var b strings.Builder
	b.WriteString(folder)
	for _, c := range []byte(file) {
		if c >= 0x80 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Given reports whether an export's files may be given to its customer at a time: they were verified, and are still there.
func (e Export) Given(now time.Time) bool {
	return e.Status == ExportVerified && now.Before(e.ExpiresAt)
}
