package termination

import (
	"bytes"
	_ "embed" // the page
	"encoding/json"
	"html"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// Certificate proves what became of an instance. Its JSON is the file certificate.json.
type Certificate struct {
	Format     int       `json:"format"`
	Instance   string    `json:"instance"`
	Host       string    `json:"host"`
	CreatedAt  time.Time `json:"created_at"`
	Terminated time.Time `json:"terminated_at"`
	IssuedAt   time.Time `json:"issued_at"`
	// AskedBy is the operator who decided it, ApprovedBy the second one where it took two.
	AskedBy    string    `json:"asked_by"`
	ApprovedBy string    `json:"approved_by,omitempty"`
	NoticeAt   time.Time `json:"notice_at"`
	NoticeEnds time.Time `json:"notice_ended"`
	GraceEnds  time.Time `json:"grace_ended"`
	// Export is the final one, by which the deletion was authorised.
	Export string `json:"final_export_manifest_sha256"`
	// Lacking is what it isn't, where an operator had to say that it suffices; AcceptedBy is who did.
	Lacking    string           `json:"final_export_lacks,omitempty"`
	AcceptedBy string           `json:"final_export_accepted_by,omitempty"`
	Resources  []Deleted        `json:"resources"`
	Kept       []fleet.Retained `json:"kept"`
	Audit      fleet.Archived   `json:"audit"`
	Notes      []string         `json:"notes"`
}

// Deleted is what became of one entry of the ledger.
type Deleted struct {
	Kind   fleet.Kind `json:"kind"`
	Vendor string     `json:"vendor"`
	Name   string     `json:"name"`
	ID     string     `json:"id,omitempty"` // the vendor's
	// Answer is the HTTP status with which the vendor answered the deletion; 0 where it went with another, was gone, or never was.
	Answer int       `json:"answer,omitempty"`
	How    string    `json:"how"`
	At     time.Time `json:"at"`
}

// notes say what a reader of a certificate would ask.
func notes() []string {
	return []string{
		"Each resource was looked for by name and by id, and not found, at the time that is told.",
		"What Fleet had sealed for the instance, credentials and its people's data, is unreadable without the data key, which is destroyed next. " +
			"That takes effect for good when the recovery window of the key table has passed: a day later.",
	}
}

// certify makes the certificate of an instance all of whose ledger is gone. It is the same whenever it is made.
func certify(i fleet.Instance, ledger []fleet.Resource) Certificate {
	d := *i.Decommission
	c := Certificate{Format: 1, Instance: i.ID, Host: i.Host, CreatedAt: i.CreatedAt.UTC(), Terminated: i.TerminatedAt.UTC(), IssuedAt: d.Archived.At.UTC(),
		AskedBy: d.By, ApprovedBy: d.Second, NoticeAt: d.NoticeAt.UTC(), NoticeEnds: d.NoticeEnds.UTC(), GraceEnds: d.GraceEnds.UTC(),
		Export: d.FinalExport.Manifest, Resources: []Deleted{}, Kept: fleet.Kept(d.FinalExport.VerifiedAt.UTC(), i.TerminatedAt.UTC()), Audit: *d.Archived, Notes: notes()}
	if a := d.Accepted; a != nil && a.Export == d.FinalExport.ID {
		c.Lacking, c.AcceptedBy = d.FinalExport.Lacking(d.FirstExport), a.By
	}
	for _, e := range ledger {
		c.Resources = append(c.Resources, Deleted{Kind: e.Kind, Vendor: e.Kind.Vendor(), Name: e.Name, ID: e.ID, Answer: e.Answer, How: how(e), At: e.RemovedAt.UTC()})
	}
	slices.SortStableFunc(c.Resources, func(a, b Deleted) int { return a.At.Compare(b.At) })
	return c
}

// how says for people what became of an entry.
func how(e fleet.Resource) string {
	outer, inside := fleet.Inside()[e.Kind]
	switch {
	case e.Status == fleet.Absent:
		return "never was there"
	case e.Answer >= 400:
		return "was gone already"
	case e.Answer != 0:
		return "deleted"
	case e.Attributes[fleet.Without] != "":
		return "was gone, with its " + string(outer) + ", when it was to be switched off"
	case inside:
		return "went with its " + string(outer)
	}
	return "was gone when it was looked for"
}

//go:embed certificate.html
var page string

// documents are the certificate's JSON, and its page for people.
func (c Certificate) documents() (text, whole []byte, err error) {
	if text, err = json.MarshalIndent(c, "", "  "); err != nil {
		return nil, nil, &fault.Error{Code: fault.Internal, Text: "the certificate does not encode", Err: err}
	}
	facts := map[string]string{"Instance": c.Instance, "Host": c.Host, "Created": day(c.CreatedAt), "Terminated": day(c.Terminated), "Issued": day(c.IssuedAt),
		"By": strings.TrimPrefix(c.AskedBy, "operator:"), "Second": "", "Notice": day(c.NoticeAt), "NoticeEnds": day(c.NoticeEnds), "GraceEnds": day(c.GraceEnds),
		"Export": c.Export, "Accepted": "", "Entries": strconv.FormatInt(c.Audit.Head.Seq, 10), "Head": c.Audit.Head.Hash, "Archive": c.Audit.SHA256, "JSON": sum(append(text, '\n'))}
	if c.AcceptedBy != "" {
		facts["Accepted"] = " (" + c.Lacking + "; accepted by " + strings.TrimPrefix(c.AcceptedBy, "operator:") + ")"
	}
	if c.ApprovedBy != "" {
		facts["Second"] = ", approved by " + strings.TrimPrefix(c.ApprovedBy, "operator:")
	}
	for name, fact := range facts {
		facts[name] = html.EscapeString(fact)
	}
	facts["Resources"], facts["Kept"], facts["Notes"] = c.resources(), c.kept(), c.notes()
	return append(text, '\n'), []byte(os.Expand(page, func(name string) string { return facts[name] })), nil
}

func (c Certificate) resources() string {
	var rows bytes.Buffer
	for _, r := range c.Resources {
		answer := ""
		if r.Answer != 0 {
			answer = strconv.Itoa(r.Answer)
		}
		row(&rows, r.Vendor, string(r.Kind), r.Name, r.ID, r.How, answer, day(r.At))
	}
	return rows.String()
}

func (c Certificate) kept() string {
	var rows bytes.Buffer
	for _, k := range c.Kept {
		row(&rows, k.What, day(k.Until))
	}
	return rows.String()
}

func (c Certificate) notes() string {
	var all strings.Builder
	for _, n := range c.Notes {
		all.WriteString("<p>" + html.EscapeString(n) + "</p>\n")
	}
	return all.String()
}

func row(to *bytes.Buffer, cells ...string) {
	to.WriteString("<tr>")
	for _, c := range cells {
		to.WriteString("<td>" + html.EscapeString(c) + "</td>")
	}
	to.WriteString("</tr>\n")
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
