//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// assembly is what the CDK app has synthesised: its stacks in the order of their dependencies, and its assets.
type assembly struct {
	stacks []synthesised
	assets []asset
}

// synthesised is a stack's template.
type synthesised struct {
	name     string
	template map[string]any
}

// asset is a file or a folder that goes to the bootstrap bucket before the stacks are made.
type asset struct {
	key    string
	path   string
	folder bool // goes there as a zip
}

// artifact is an entry of an assembly's manifest.
type artifact struct {
	Type         string
	Dependencies []string
	Properties   struct {
		File, TemplateFile, StackName string
	}
}

// readAssembly reads a folder that "cdk synth" or the app itself has written.
func readAssembly(dir string) (assembly, error) {
	var a assembly
	var manifest struct{ Artifacts map[string]artifact }
	if err := readJSON(filepath.Join(dir, "manifest.json"), &manifest); err != nil {
		return a, fmt.Errorf("there is no assembly: %w", err)
	}
	for _, id := range inOrder(manifest.Artifacts) {
		found := manifest.Artifacts[id]
		switch found.Type {
		case "aws:cloudformation:stack":
			s := synthesised{name: id}
			if found.Properties.StackName != "" {
				s.name = found.Properties.StackName
			}
			if err := readJSON(filepath.Join(dir, found.Properties.TemplateFile), &s.template); err != nil {
				return a, err
			}
			a.stacks = append(a.stacks, s)
		case "cdk:asset-manifest":
			more, err := readAssets(dir, found.Properties.File)
			if err != nil {
				return a, err
			}
			a.assets = append(a.assets, more...)
		}
	}
	if len(a.stacks) == 0 {
		return a, errors.New("the assembly has no stack")
	}
	return a, nil
}

// inOrder lists the artifacts so that each comes after those that it depends on.
func inOrder(all map[string]artifact) []string {
	var order []string
	var visit func(id string)
	visit = func(id string) {
		if _, known := all[id]; !known || slices.Contains(order, id) {
			return
		}
		dependencies := slices.Clone(all[id].Dependencies)
		slices.Sort(dependencies)
		for _, d := range dependencies {
			visit(d)
		}
		order = append(order, id)
	}
	var ids []string
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		visit(id)
	}
	return order
}

func readAssets(dir, file string) ([]asset, error) {
	var manifest struct {
		Files map[string]struct {
			Source       struct{ Path, Packaging string }
			Destinations map[string]struct{ BucketName, ObjectKey string }
		}
	}
	if err := readJSON(filepath.Join(dir, file), &manifest); err != nil {
		return nil, err
	}
	var all []asset
	for id, f := range manifest.Files {
		if strings.HasSuffix(f.Source.Path, ".template.json") {
			continue // the test hands templates over by itself
		}
		if len(f.Destinations) != 1 {
			return nil, fmt.Errorf("asset %s has %d destinations", id, len(f.Destinations))
		}
		path := f.Source.Path
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		for _, d := range f.Destinations {
			if resolved(d.BucketName) != assetsBucket {
				return nil, fmt.Errorf("asset %s goes to %s, not to the bootstrap bucket", id, d.BucketName)
			}
			all = append(all, asset{key: resolved(d.ObjectKey), path: path, folder: f.Source.Packaging == "zip"})
		}
	}
	return all, nil
}

// assetsBucket is where "cdk bootstrap" has a place for assets.
const assetsBucket = "cdk-hnb659fds-assets-" + account + "-" + region

// resolved fills in what an environment-agnostic assembly leaves open.
func resolved(text string) string {
	return strings.NewReplacer("${AWS::AccountId}", account, "${AWS::Region}", region, "${AWS::Partition}", "aws").Replace(text)
}

// pack reads an asset, a folder as a zip whose files keep their modes. Extra is one more file for the zip, nil for none: it makes
// another artifact of the same program.
func (a *asset) pack(extra []byte) ([]byte, error) {
	if !a.folder {
		return os.ReadFile(a.path)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	err := filepath.WalkDir(a.path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(a.path, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return put(z, filepath.ToSlash(name), info.Mode(), content)
	})
	if err == nil && extra != nil {
		err = put(z, "release.txt", 0o644, extra)
	}
	err = errors.Join(err, z.Close())
	return out.Bytes(), err
}

func put(z *zip.Writer, name string, mode fs.FileMode, content []byte) error {
	// Stored, not compressed: that would take longer than all the rest of the deployment.
	header := &zip.FileHeader{Name: name, Method: zip.Store}
	header.SetMode(mode)
	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}

func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
