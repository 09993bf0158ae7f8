package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// Run lists an instance's exports, or shows one.
func (x *exportsCommand) Run(c *call) error {
	r, err := c.instance(x.Instance)
	if err != nil {
		return err
	}
	var all view.Exports
	text, err := c.get("/instances/"+r.ID+"/exports", nil, &all)
	if err != nil {
		return err
	}
	if x.Export != "" {
		return c.export(r, all.Exports, x.Export)
	}
	if c.flags.JSON {
		return c.document(text)
	}
	c.page().exports(all.Exports)
	return nil
}

// export shows the one export whose id ends so.
func (c *call) export(r view.Row, all []fleet.Export, id string) error {
	one, err := theExport(r, all, id)
	if err != nil {
		return err
	}
	var e view.Export
	text, err := c.get("/instances/"+r.ID+"/exports/"+one.ID, nil, &e)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.document(text)
	}
	c.page().export(e)
	return nil
}

// theExport is the one export whose id ends so.
func theExport(r view.Row, all []fleet.Export, id string) (fleet.Export, error) {
	all = slices.DeleteFunc(all, func(e fleet.Export) bool { return e.ID != id && !strings.HasSuffix(e.ID, "-"+id) })
	if len(all) != 1 {
		return fleet.Export{}, wrong("%s has no export %q: fleetctl exports %s lists them", naming(r), id, either(r.Slug, r.ID))
	}
	return all[0], nil
}

// exports shows exports, one a line.
func (p page) exports(all []fleet.Export) {
	if len(all) == 0 {
		p.line("There is no export yet.")
		return
	}
	rows := []row{{cells: []string{"EXPORT", "STATUS", "FILES", "BYTES", "ROWS", "BEGUN"}}}
	verified := 0
	for _, e := range all {
		if e.Status == fleet.ExportVerified {
			verified++
		}
		rows = append(rows, row{cells: []string{e.ID, string(e.Status), fmt.Sprint(e.Files), fmt.Sprint(e.Bytes), fmt.Sprint(e.Rows),
			p.faint.Render(view.Relative(e.BegunAt, p.now))}, below: joined("; ", e.Failure, soFar(e), kept(e))})
	}
	p.table(0, rows...)
	p.line("\n%s", p.faint.Render(fmt.Sprintf("%s; %d verified", counted(len(all), "export"), verified)))
}

// soFar is how far the making of an export is.
func soFar(e fleet.Export) string {
	if e.Progress == nil {
		return ""
	}
	return fmt.Sprintf("%s: %d files, %d bytes so far", e.Progress.Step, e.Progress.Files, e.Progress.Bytes)
}

// kept is what vouches for a verified export, and until when it is there.
func kept(e fleet.Export) string {
	if e.VerifiedAt.IsZero() {
		return ""
	}
	return "verified " + view.Stamp(e.VerifiedAt) + ", kept until " + view.Stamp(e.ExpiresAt) + ", manifest of SHA-256 " + e.Manifest
}

// export shows one export with its files.
func (p page) export(e view.Export) {
	p.line("%s  %s", p.strong.Render(e.ID), e.Status)
	p.fact("for", string(e.Purpose))
	p.fact("moment", e.Consistency)
	p.fact("manifest", e.Manifest)
	p.fact("failure", e.Failure)
	if !e.VerifiedAt.IsZero() {
		p.fact("verified", view.Stamp(e.VerifiedAt))
		p.fact("kept until", view.Stamp(e.ExpiresAt))
	}
	rows := []row{{cells: []string{"FILE", "BYTES", "ROWS", "SHA-256"}}}
	for _, f := range e.Content {
		rows = append(rows, row{cells: []string{f.Name, fmt.Sprint(f.Bytes), fmt.Sprint(f.Rows), f.SHA256}})
	}
	if len(e.Content) > 0 {
		p.line("")
		p.table(0, rows...)
	}
	for _, l := range e.Lacks {
		p.line("%s", p.wrap("It lacks "+l, 0))
	}
}
