package fleet

import (
	"strconv"
	"strings"
	"time"
)

// Download is how an instance's administrator comes to an export's files: by the link of a mail, and a code that a second mail brings.
type Download struct {
	InstanceID string `json:"instance_id"`
	Export     string `json:"export"`
	// Asked are the times at which the latest codes were asked for, in their order: those that count.
	Asked []time.Time `json:"asked,omitempty"`
	// N counts the codes that were ever asked for, and names the latest.
	N int `json:"n"`
	// Request is the invocation that asked for the latest: a repeat of its write finds its own.
	Request string `json:"request,omitempty"`
	// Code is the one that is good, or was last; nil until one was made.
	Code *DownloadCode `json:"code,omitempty"`
}

// DownloadCode is a one-time code, of which only a keyed hash is kept.
type DownloadCode struct {
	N     int       `json:"n"` // which of the Download's it is
	Hash  []byte    `json:"hash"`
	Until time.Time `json:"until"`
	Tries int       `json:"tries,omitempty"` // in vain
	// Tried is the invocation that tried it last, Used the one that used it up.
	Tried string `json:"tried,omitempty"`
	Used  string `json:"used,omitempty"`
}

// What a code and its links are good for.
const (
	// CodeValid is how long a code is good once its mail is being sent, CodeTries how often it may be mistyped.
	CodeValid = 10 * time.Minute
	CodeTries = 5
	// CodePause is how long nobody may ask for the next one, and CodesADay how many there are for an export within a day.
	CodePause = time.Minute
	CodesADay = 10
	// CodeDigits is how long a code is.
	CodeDigits = 8
	// LinksValid is how long the links to the files are good that a code gives.
	LinksValid = 15 * time.Minute
)

// Ask notes that a code is asked for, or gives the time before which none may be.
func (d *Download) Ask(now time.Time, request string) (before time.Time) {
	if n := len(d.Asked); n > 0 && now.Before(d.Asked[n-1].Add(CodePause)) {
		return d.Asked[n-1].Add(CodePause)
	}
	for len(d.Asked) > 0 && !now.Before(d.Asked[0].Add(24*time.Hour)) {
		d.Asked = d.Asked[1:]
	}
	if len(d.Asked) >= CodesADay {
		return d.Asked[0].Add(24 * time.Hour)
	}
	d.Asked, d.N, d.Request, d.Code = append(d.Asked, now), d.N+1, request, nil
	return time.Time{}
}

// Wants reports whether the nth code is still to be sent: it is the latest, and nobody has waited for it too long.
func (d *Download) Wants(n int, now time.Time) bool {
	return d != nil && d.N == n && len(d.Asked) > 0 && now.Before(d.Asked[len(d.Asked)-1].Add(CodeValid))
}

// Good reports whether the code may be tried at a time. A nil one may not.
func (c *DownloadCode) Good(now time.Time) bool {
	return c != nil && c.Used == "" && c.Tries < CodeTries && now.Before(c.Until)
}

// ids of the messages about exports: what stands before the export's id.
const (
	exportReady  = "export-ready-"
	downloadCode = "download-code-"
)

// ExportReady is the message that tells the administrator of an export that was asked for, with the link to its download.
func ExportReady(export string) string { return exportReady + export }

// ReadyExport is the export that a message tells of, or that which it repeats; empty for another message.
func ReadyExport(message string) string {
	if export, ok := strings.CutPrefix(OriginalMessage(message), exportReady); ok {
		return export
	}
	return ""
}

// CodeMessage is the message with the nth code for an export's download.
func CodeMessage(export string, n int) string {
	return downloadCode + strconv.Itoa(n) + "-" + export
}

// CodeOf is the export, and the number of its code, that a message brings; an empty export for another message.
func CodeOf(message string) (export string, n int) {
	rest, ok := strings.CutPrefix(message, downloadCode)
	number, export, parted := strings.Cut(rest, "-")
	n, err := strconv.Atoi(number)
	if !ok || !parted || err != nil {
		return "", 0
	}
	return export, n
}
