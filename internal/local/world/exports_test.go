package world_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/objects/objectstest"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/steps/export"
	"github.com/project-gimbal/fleet/internal/view"
)

// exporting is a world whose exports the test looks into.
type exporting struct {
	*rig
	files  objects.Store
	once   sync.Once
	direct http.RoundTripper // to the vendors
	id     string
}

// inExporting runs a test on a world with one instance.
func inExporting(t *testing.T, change func(*world.Options), test func(e *exporting)) {
	t.Helper()
	inExportingOf(t, change, (*rig).live, test)
}

// inExportingOf is inExporting with an instance that the test makes.
func inExportingOf(t *testing.T, change func(*world.Options), provision func(*rig) string, test func(e *exporting)) {
	t.Helper()
	e := &exporting{files: &objects.Memory{}}
	inBubble(t, func(o *world.Options) {
		o.Exports = e.files
		if change != nil {
			change(o)
		}
		wrap := o.Hooks.Transport
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			e.once.Do(func() { e.direct = next })
			if wrap != nil {
				return wrap(next)
			}
			return next
		}
	}, func(r *rig) {
		e.rig, e.id = r, provision(r)
		test(e)
	})
}

// upload puts files into the instance's Storage, as its users do.
func (e *exporting) upload(files map[string][]byte) {
	e.t.Helper()
	projects := e.storage()
	ctx, ref := provider.WithAttempt(e.ctx), e.project(e.id)
	key, err := projects.SecretKey(ctx, ref)
	if err == nil {
		err = projects.CreateBucket(ctx, ref, key, supabase.Bucket{Name: "documents", Private: true})
	}
	for path, content := range files {
		err = errors.Join(err, projects.UploadObject(ctx, ref, key, supabase.Object{Bucket: "documents", Path: path, Type: "application/pdf", Cache: "no-cache", Content: content}))
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *exporting) begin() view.Operation {
	e.t.Helper()
	return act[view.Operation](e.rig, http.StatusAccepted, "/instances/"+e.id+"/exports", "")
}

func (e *exporting) record(id string) fleet.Export {
	e.t.Helper()
	x, err := e.w.Store.Export(e.ctx, e.id, id)
	if err != nil || x == nil {
		e.t.Fatalf("export %s: %v, %v", id, x, err)
	}
	return *x
}

// wantExported judges that an export is verified, its files are what is told of them, and nothing runs any more.
func (e *exporting) wantExported(id string) view.Export {
	e.t.Helper()
	if o := e.run(e.id, id); o.Outcome != fleet.Succeeded {
		e.t.Errorf("operation: %+v", o)
	}
	if i := e.instance(e.id); i.Operation != "" || i.Unfinished != "" {
		e.t.Errorf("instance: %+v", i)
	}
	if x := e.record(id); x.Status != fleet.ExportVerified || x.VerifiedAt.IsZero() || !x.ExpiresAt.Equal(x.VerifiedAt.Add(fleet.KeepExports)) || x.Writer != nil ||
		x.Folder != "requests/"+e.id+"/"+id+"/" {
		e.t.Errorf("record: %+v", x)
	}
	told := see[view.Export](e.rig, "/instances/"+e.id+"/exports/"+id)
	var bytes int64
	for _, f := range told.Content {
		content := objectstest.Content(e.t, e.files, fleet.ExportKey(told.Folder, f.Name), 0)
		sum := sha256.Sum256(content)
		if int64(len(content)) != f.Bytes || hex.EncodeToString(sum[:]) != f.SHA256 {
			e.t.Errorf("%s has %d bytes, SHA-256 %x, not %+v", f.Name, len(content), sum, f)
		}
		bytes += f.Bytes
	}
	manifest := objectstest.Content(e.t, e.files, told.Folder+"manifest.json", 0)
	if sum := sha256.Sum256(manifest); hex.EncodeToString(sum[:]) != told.Manifest || told.Bytes != bytes+int64(len(manifest)) || told.Files != len(told.Content)+1 {
		e.t.Errorf("manifest %x of %d files and %d bytes: %+v", sum, len(told.Content)+1, bytes, told.Export)
	}
	for _, action := range []string{"export.begun", "export.sealed", "export.verified"} {
		if n := e.audited(id, action); n != 1 {
			e.t.Errorf("%s was audited %d times", action, n)
		}
	}
	e.wantAuditWhole(e.id)
	return told
}

// audited counts the entries of an action about an export.
func (e *exporting) audited(id, action string) (n int) {
	e.t.Helper()
	entries, _, err := e.w.Store.Audit(e.ctx, e.id)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, a := range entries {
		if a.Action == action && a.Subject == id {
			n++
		}
	}
	return n
}

// media are the files of an export's archive.
func (e *exporting) media(x view.Export) map[string][]byte {
	e.t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(objectstest.Content(e.t, e.files, x.Folder+export.MediaName, 0))); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			e.t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			e.t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			if h.Name == "documents/" && h.PAXRecords["GIMBAL.public"] != "false" {
				e.t.Errorf("%s: %v", h.Name, h.PAXRecords)
			}
			continue
		}
		files[h.Name] = content
		if strings.HasPrefix(h.Name, "documents/") && (h.PAXRecords["GIMBAL.content-type"] != "application/pdf" || h.PAXRecords["GIMBAL.cache-control"] != "no-cache") {
			e.t.Errorf("%s: %v", h.Name, h.PAXRecords)
		}
	}
}

// TestExport: an export holds database, media and configuration, is read back, and changes nothing at any vendor, of a live instance
// and of one that is switched off.
func TestExport(t *testing.T) {
	t.Parallel()
	inExporting(t, nil, func(e *exporting) {
		large := bytes.Repeat([]byte("0123456789abcdef"), 20<<16) // 20 MB: several parts
		e.upload(map[string][]byte{"a.pdf": []byte("one"), "folder/empty.pdf": {}, "large.pdf": large})
		time.Sleep(time.Minute)
		before := e.vendorStates()
		o := e.begin()
		if again := e.begin(); again != o {
			t.Errorf("asked twice: %+v, %+v", o, again)
		}
		e.settle()
		told := e.wantExported(o.Operation)
		if path := e.path("export", o.Execution); !slices.Equal(path, []string{"ExportDatabase", "ExportMedia", "ExportConfiguration", "SealExport", "VerifyExport", "EndOperation", "Ended", "Exported"}) {
			t.Errorf("path: %v", path)
		}
		e.wantStates(before)
		media := e.media(told)
		if string(media["documents/a.pdf"]) != "one" || media["documents/folder/empty.pdf"] == nil || !bytes.Equal(media["documents/large.pdf"], large) || told.LeftOut != 0 {
			t.Errorf("media: %d files, lacks %v", len(media), told.Lacks)
		}
		if text := string(objectstest.Content(t, e.files, told.Folder+"database.sql", 0)); !strings.Contains(text, e.id) {
			t.Errorf("database: %s", text)
		}
		if text := string(objectstest.Content(t, e.files, told.Folder+"configuration.json", 0)); !strings.Contains(text, `"host": "`+sampleHost+`"`) || strings.Contains(text, "http") {
			t.Errorf("configuration: %s", text)
		}
		e.suspend(e.id)
		e.settle()
		o = e.begin()
		e.settle()
		if x := e.wantExported(o.Operation); len(e.media(x)) != len(media) {
			t.Errorf("of the suspended instance: %+v", x)
		}
		if all := see[view.Exports](e.rig, "/instances/"+e.id+"/exports").Exports; len(all) != 2 || all[0].ID != o.Operation || all[1].ID != told.ID {
			t.Errorf("exports: %+v", all)
		}
		e.wantSwitched(e.id, fleet.Suspended)
		e.wantNoIncident(e.id)
	})
}

// TestExportGoesOn: what one invocation doesn't finish the next ones go on with, within a file, and the archive is the same to the byte.
func TestExportGoesOn(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	var invocations atomic.Int32
	inExporting(t, func(o *world.Options) {
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper { return slowly{next, &slow} }
		o.Hooks.Late = func(function string, _ int) time.Duration {
			if function == "export-media" {
				invocations.Add(1)
			}
			return 0
		}
	}, func(e *exporting) {
		files := map[string][]byte{"m.pdf": bytes.Repeat([]byte("many blocks"), 4<<20)}
		for i := range 100 {
			if i < 60 { // twelve minutes: the first invocation ends within the large file
				files[fmt.Sprintf("a-%02d.pdf", i)] = fmt.Appendf(nil, "file %d", i)
			}
			files[fmt.Sprintf("z-%02d.pdf", i)] = fmt.Appendf(nil, "file %d", i)
		}
		e.upload(files)
		quick := e.begin()
		e.settle()
		at := invocations.Load()
		slow.Store(true)
		o := e.begin()
		time.Sleep(14 * time.Minute)
		if making := see[view.Exports](e.rig, "/instances/"+e.id+"/exports").Exports[0]; making.Status != fleet.ExportMaking || making.Progress == nil || making.Progress.Step != "media" || making.Progress.Files < 50 {
			t.Errorf("it is told as %+v, with %+v", making, making.Progress)
		}
		e.settle()
		if n := invocations.Load() - at; at != 1 || n < 3 {
			t.Errorf("%d invocations, and %d where it is slow", at, n)
		}
		if made := see[view.Exports](e.rig, "/instances/"+e.id+"/exports").Exports[0]; made.Progress != nil {
			t.Errorf("it is verified, and is told as %+v", made.Progress)
		}
		one, two := e.wantExported(quick.Operation), e.wantExported(o.Operation)
		a := objectstest.Content(t, e.files, one.Folder+export.MediaName, 0)
		if b := objectstest.Content(t, e.files, two.Folder+export.MediaName, 0); !bytes.Equal(a, b) || two.LeftOut != 0 {
			t.Errorf("%d bytes in one, %d in several invocations; lacks %v", len(a), len(b), two.Lacks)
		}
	})
}

// slowly lets each download from Storage take as long as a call may, nearly.
type slowly struct {
	next http.RoundTripper
	on   *atomic.Bool
}

func (s slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.on.Load() && strings.Contains(r.URL.Path, "/object/authenticated/") {
		time.Sleep(12 * time.Second)
	}
	return s.next.RoundTrip(r)
}

// TestExportDiesOnceAnywhere lets an invocation die once before, or after, each commit and each write to the store: the export is whole.
func TestExportDiesOnceAnywhere(t *testing.T) {
	t.Parallel()
	export := func(t *testing.T, dies func(world.Point) bool, judge func(e *exporting, o view.Operation)) {
		inExporting(t, func(o *world.Options) { o.Hooks.Dies = dies }, func(e *exporting) {
			e.upload(map[string][]byte{"a.pdf": []byte("one"), "large.pdf": bytes.Repeat([]byte("0123456789abcdef"), 20<<16)})
			o := e.begin()
			e.settle()
			for range 3 {
				e.invoke("reconcile")
				e.settle()
			}
			judge(e, o)
		})
	}
	var mu sync.Mutex
	var points []world.Point
	export(t, func(p world.Point) bool {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(p.Function, "export") && p.Function != "export-instance" {
			points = append(points, p)
		}
		return false
	}, func(*exporting, view.Operation) {})
	if len(points) < 30 {
		t.Fatalf("%d points are too few", len(points))
	}
	for i, point := range points {
		if !tried(i, 7) {
			continue
		}
		t.Run(fmt.Sprintf("%+v", point), func(t *testing.T) {
			t.Parallel()
			export(t, func(p world.Point) bool { return p == point }, func(e *exporting, o view.Operation) {
				if x := e.wantExported(o.Operation); len(e.media(x)["documents/large.pdf"]) != 20<<20 {
					t.Errorf("%+v", x)
				}
			})
		})
	}
}

// TestExportTwiceAtOnce lets every invocation of an export's steps be made twice at once: one writes, the other waits.
func TestExportTwiceAtOnce(t *testing.T) {
	t.Parallel()
	inExporting(t, func(o *world.Options) {
		o.Hooks.Twice = func(function string, n int) bool {
			return strings.Contains(function, "export") && function != "export-instance" && n == 1
		}
	}, func(e *exporting) {
		e.upload(map[string][]byte{"a.pdf": []byte("one")})
		o := e.begin()
		e.settle()
		e.wantExported(o.Operation)
	})
}

// TestExportWhereItMayNot: what isn't there, and what isn't in a state for it, isn't exported.
func TestExportWhereItMayNot(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		for path, want := range map[string]int{"/instances/x/exports": 404, "/instances/00000000-0000-4000-8000-000000000000/exports": 404} {
			for _, method := range []string{"GET", "POST"} {
				if status, answer := r.do(method, path, "", operator); status != want {
					t.Errorf("%s %s: %d %v", method, path, status, answer)
				}
			}
		}
		id := r.provision()
		if status, answer := r.do("GET", "/instances/"+id+"/exports/export-x-1", "", operator); status != 404 {
			t.Errorf("%d %v", status, answer)
		}
		if status, answer := r.do("POST", "/instances/"+id+"/exports", "", nil); status != 401 {
			t.Errorf("by anybody: %d %v", status, answer)
		}
		r.suspend(id)
		if status, answer := r.do("POST", "/instances/"+id+"/exports", "", operator); status != 409 {
			t.Errorf("while it is suspended: %d %v", status, answer)
		}
		r.settle()
	})
}

// see reads a document of the operators' API.
func see[D any](r *rig, path string) D {
	r.t.Helper()
	document, problem, status := ask[D](r, http.MethodGet, path, "")
	if status != http.StatusOK {
		r.t.Fatalf("%s answered %d: %+v", path, status, problem)
	}
	return document
}
