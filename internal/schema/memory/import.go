package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema"
)

// written is what Export writes of a database.
type written struct {
	Config  *schema.Config    `json:"config"`
	Starter *schema.Starter   `json:"starter"`
	Admins  map[string]string `json:"admins"`
}

// Import takes over what Export wrote, as export.Import.Run does for a fresh instance: the customer's, once, and not into one in use.
func (d *database) Import(ctx context.Context, in export.Import, m export.Manifest) (done export.Imported, err error) {
	if err := d.store.fault(ctx, d.key, "Import"); err != nil {
		return done, err
	}
	var w written
	err = d.change(ctx, "Import", func(c *content) (err error) {
		if done.Before = c.imports[in.Operation]; !done.Before {
			if w, err = read(ctx, in.Source, m); err != nil {
				return err
			}
			if _, fresh := c.admins[in.Administrator]; !fresh || len(c.admins) != 1 {
				return fault.New(fault.Conflict, "this instance is not fresh: it has users besides its administrator")
			}
			c.takeOver(w, in)
			done.Rows = int64(len(w.Admins))
		}
		done.Administrators = slices.Sorted(maps.Keys(c.admins))
		return nil
	})
	if err != nil {
		return export.Imported{Unnoted: true}, err
	}
	return done, d.store.fault(ctx, d.key, "Imported")
}

// read reads the comment that Export wrote.
func read(ctx context.Context, source export.Source, m export.Manifest) (w written, err error) {
	if err := export.Verify(ctx, source, slices.DeleteFunc(slices.Clone(m.Files), func(f export.File) bool { return f.Name != export.DatabaseName })); err != nil {
		return w, err
	}
	r, err := source.Open(ctx, export.DatabaseName)
	if err != nil {
		return w, err
	}
	defer func() { _ = r.Close() }() // only read
	text, err := io.ReadAll(r)
	if err != nil {
		return w, err
	}
	return w, json.Unmarshal(bytes.TrimPrefix(text, []byte("-- ")), &w)
}

func (c *content) takeOver(w written, in export.Import) {
	c.starter, c.admins = w.Starter, maps.Clone(w.Admins)
	if c.imports == nil {
		c.imports = map[string]bool{}
	}
	c.imports[in.Operation] = true
	if w.Config == nil || c.config == nil {
		return
	}
	given := *w.Config
	given.TwilioAccountSID, given.TwilioAuthToken, given.SendGridAPIKey = "", "", ""
	given.MonthlySMSLimit, given.MonthlyEmailLimit, given.MaxUsers = nil, nil, nil
	row := c.config.With(given)
	row.LogoURL, row.FaviconURL = in.Files.Here(w.Config.LogoURL), in.Files.Here(w.Config.FaviconURL)
	c.config = &row
}
