package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// exportOptions say what is exported, and whereto.
type exportOptions struct{ instance, out, dir string }

// parseExport reads export's arguments. Its errors are errHelp and usageErrors.
func parseExport(args []string, out io.Writer) (exportOptions, error) {
	var o exportOptions
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		o.instance, args = args[0], args[1:]
	}
	f := newFlags("export")
	f.StringVar(&o.out, "o", "", "the `DIR` that gets the files; it is made, and must be empty")
	f.StringVar(&o.dir, "data", ".data", "the `DIR` from which \"serve\" serves meanwhile")
	err := parse(f, args, func() {
		say(out, "Exports an instance of the system that \"serve\" keeps up, and puts the files into a folder, each compared with its checksum.\n\n")
		say(out, "usage: go run ./internal/local export INSTANCE -o DIR [flags]\n%s\n", flagHelp(f))
		say(out, "INSTANCE is a slug or an id. \"psql -f DIR/database.sql\" restores the database into an empty one.\n")
	})
	switch {
	case err != nil:
		return o, err
	case o.instance == "":
		return o, wrong("name an instance first: export INSTANCE -o DIR")
	case o.out == "":
		return o, wrong("-o: a folder must be named")
	}
	return o, nil
}

// exported exports an instance of a system that another process keeps up.
func exported(args []string, t terminal, stop *interrupts) int {
	o, err := parseExport(args, t.out)
	if err != nil {
		return refuse(err, "export", t)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-stop.first
		cancel()
	}()
	m, err := o.fetch(ctx)
	if err != nil {
		say(t.err, "export: %v\n", err)
		return exitFailed
	}
	say(t.out, "%d files in %s, consistent as %q; manifest.json vouches for them\n", len(m.Files)+1, o.out, m.Consistency)
	return exitDone
}

// fetch has the instance exported, copies the files, and compares them.
func (o exportOptions) fetch(ctx context.Context) (export.Manifest, error) {
	var none export.Manifest
	if there, err := os.ReadDir(o.out); err == nil && len(there) > 0 {
		return none, fmt.Errorf("-o: %s is not empty", o.out)
	}
	front, err := o.front()
	if err != nil {
		return none, err
	}
	e, err := front.export(ctx, o.instance)
	if err != nil {
		return none, err
	}
	from := folder(o.dir).file("exports")
	for _, name := range append([]string{export.ManifestName}, names(e)...) {
		if err := copyFile(filepath.Join(from, filepath.FromSlash(fleet.ExportKey(e.Folder, name))), filepath.Join(o.out, filepath.FromSlash(name))); err != nil {
			return none, err
		}
	}
	m, err := export.ReadManifest(ctx, export.Directory(o.out), e.Manifest)
	if err == nil {
		err = export.Verify(ctx, export.Directory(o.out), m.Files)
	}
	return m, err
}

func names(e view.Export) (all []string) {
	for _, f := range e.Content {
		all = append(all, f.Name)
	}
	return all
}

// copyFile copies a file that only its owner can read.
func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // only read
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// front is the HTTP front of the system that serves from the folder.
func (o exportOptions) front() (c client, err error) {
	var at announced
	there, err := folder(o.dir).read("front.json", &at)
	if err == nil && !there {
		err = fmt.Errorf("nothing serves from %s: start \"go run ./internal/local serve\" first, or name its folder by -data", o.dir)
	}
	if err != nil {
		return c, err
	}
	c = client{base: at.URL, clock: clock.System()}
	c.credentials, err = keptCredentials(folder(o.dir).file("credentials.json"))
	return c, err
}

// export begins an export and waits for its end.
func (c client) export(ctx context.Context, instance string) (view.Export, error) {
	var all view.Fleet
	if err := c.ask(ctx, http.MethodGet, "/instances", &all); err != nil {
		return view.Export{}, err
	}
	for _, r := range all.Instances {
		if r.Slug != instance && r.ID != instance || r.State == "" || r.State == fleet.Terminated {
			continue
		}
		var begun view.Operation
		if err := c.ask(ctx, http.MethodPost, "/instances/"+r.ID+"/exports", &begun); err != nil {
			return view.Export{}, err
		}
		return c.awaitExport(ctx, "/instances/"+r.ID+"/exports", begun.Operation)
	}
	return view.Export{}, fmt.Errorf("there is no instance %q", instance)
}

func (c client) awaitExport(ctx context.Context, path, id string) (view.Export, error) {
	for {
		var all view.Exports
		if err := c.ask(ctx, http.MethodGet, path, &all); err != nil {
			return view.Export{}, err
		}
		for _, e := range all.Exports {
			switch {
			case e.ID != id:
			case e.Status == fleet.ExportFailed:
				return view.Export{}, fmt.Errorf("the export failed: %s", e.Failure)
			case e.Status == fleet.ExportVerified:
				var told view.Export
				return told, c.ask(ctx, http.MethodGet, path+"/"+id, &told)
			}
		}
		if err := c.clock.Sleep(ctx, pause); err != nil {
			return view.Export{}, errors.New("left before it was done; it goes on by itself")
		}
	}
}

// ask sends an operator's request once.
func (c client) ask(ctx context.Context, method, path string, into any) error {
	_, err := c.once(ctx, method, c.base+path, nil, c.operator(), into)
	return err
}
