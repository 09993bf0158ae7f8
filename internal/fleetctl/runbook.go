package main

import (
	"encoding/json"
	"fmt"

	"github.com/project-gimbal/fleet/internal/fault/runbooks"
)

// Run prints a runbook, or lists them all.
func (r *runbookCommand) Run(c *call) error {
	if r.Code == "" {
		return c.runbooks()
	}
	page, ok := runbooks.Find(r.Code)
	if !ok {
		nearest, best := "", 4
		for _, b := range runbooks.All() {
			if d := distance(lower(b.Code), lower(r.Code)); d < best {
				nearest, best = b.Code, d
			}
		}
		if nearest != "" {
			nearest = fmt.Sprintf(": did you mean %q?", nearest)
		}
		return wrong("there is no runbook for %q%s \"fleetctl runbook\" lists them", r.Code, either(nearest, ";"))
	}
	if c.flags.JSON {
		return c.encoded(page)
	}
	c.page().runbook(page)
	return nil
}

func (c *call) runbooks() error {
	all := runbooks.All()
	if c.flags.JSON {
		return c.encoded(map[string]any{"runbooks": all})
	}
	p := c.page()
	rows := []row{{cells: []string{"CODE", "WHAT IT MEANS"}}}
	for _, b := range all {
		rows = append(rows, row{cells: []string{p.strong.Render(b.Code), b.Title}})
	}
	p.table(0, rows...)
	return nil
}

func (c *call) encoded(document any) error {
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return c.document(text)
}
