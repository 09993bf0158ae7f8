package world_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/store"
)

const publicAddress = "93.184.215.14"

// sampleImages are those of the sample customer's own site.
var sampleImages = fleet.Branding{PrimaryColor: "#0f766e", SecondaryColor: "#f59e0b",

	LogoURL: "https://" + events.SiteHost + "/logo.png", FaviconURL: "https://" + events.SiteHost + "/favicon.ico"}

// provisionBranded signs up with a look, approves, and waits until nothing moves any more.
func (r *rig) provisionBranded(look fleet.Branding) string {
	r.t.Helper()
	id := r.signupUntilAnswered()
	if err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
		s, err := tx.Signup()
		if err != nil {
			return err
		}
		s.Branding = look
		return tx.PutSignup(s)
	}); err != nil {
		r.t.Fatal(err)
	}
	r.approveUntilAnswered(id)
	r.settle()
	for range 3 { // what an asynchronous function left, its schedule goes on with
		r.invoke("admit")
		r.invoke("reconcile")
		r.settle()
	}
	return id
}

// config is the instance's row of instance_config.
func (r *rig) config() schema.Config {
	r.t.Helper()
	keys := r.databases.Keys()
	if len(keys) != 1 {
		r.t.Fatalf("databases: %v", keys)
	}
	c, there := r.databases.Config(keys[0])
	if !there {
		r.t.Fatal("there is no configuration")
	}
	return c
}

// public reads a file of an instance's Storage as anybody does.
func (r *rig) public(address string) (*http.Response, []byte) {
	r.t.Helper()
	out := httptest.NewRecorder()
	r.w.Vendors.Supabase.ServeHTTP(out, httptest.NewRequestWithContext(r.ctx, http.MethodGet, address, nil))
	body, err := io.ReadAll(out.Result().Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return out.Result(), body
}

// themeAddress is where the instance's page finds its theme.
func (r *rig) themeAddress(id string) string {
	r.t.Helper()
	project, err := r.w.Store.Resource(r.ctx, id, fleet.SupabaseProject, fleet.ResourceName(id))
	if err != nil || project == nil {
		r.t.Fatalf("project: %v, %v", project, err)
	}
	return r.w.Endpoints.PublicFile(project.ID, fleet.BrandingBucket, fleet.BrandingTheme)
}

// wantBranded judges that both sample images are in Storage for everybody, and that settings and theme name them.
func (r *rig) wantBranded(id string) {
	r.t.Helper()
	c := r.config()
	site, err := events.Site()
	if err != nil {
		r.t.Fatal(err)
	}
	for file, at := range map[string]struct{ address, kind string }{"logo.png": {c.LogoURL, "image/png"}, "favicon.ico": {c.FaviconURL, "image/x-icon"}} {
		original, err := fs.ReadFile(site, file)
		if err != nil {
			r.t.Fatal(err)
		}
		answer, content := r.public(at.address)
		if answer.StatusCode != http.StatusOK || !bytes.Equal(content, original) || answer.Header.Get("Content-Type") != at.kind ||
			!strings.Contains(answer.Header.Get("Cache-Control"), "immutable") || path.Ext(at.address) != path.Ext(file) {
			r.t.Errorf("%s: %d, %d bytes, %v", at.address, answer.StatusCode, len(content), answer.Header)
		}
	}
	_, document := r.public(r.themeAddress(id))
	var theme map[string]string
	if err := json.Unmarshal(document, &theme); err != nil || len(theme) != 2 || theme["logo_url"] != c.LogoURL || theme["favicon_url"] != c.FaviconURL {
		r.t.Errorf("theme: %s", document)
	}
}

// branding are the instance's incidents about its look.
func (r *rig) branding(id string) (found []fleet.Incident) {
	r.t.Helper()
	all, err := r.w.Store.Incidents(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, i := range all {
		if i.Code == fleet.IncidentBrandingFailed {
			found = append(found, i)
		}
	}
	return found
}

// wantOnlyPublic judges that nothing but the public address was ever connected to.
func (r *rig) wantOnlyPublic() {
	r.t.Helper()
	for _, at := range r.w.Vendors.Edge.Connected() {
		if at.String() != publicAddress+":443" {
			r.t.Errorf("%s was connected to", at)
		}
	}
}

func TestImagesAreTakenOver(t *testing.T) {
	t.Parallel()
	underContract(t, nil, func(r *rig) {
		id := r.provisionBranded(sampleImages)
		r.wantActive(id)
		r.wantBranded(id)
		if found := r.branding(id); len(found) > 0 {
			t.Errorf("%+v", found)
		}
		if got := r.w.Vendors.Edge.Connected(); len(got) != 2 {
			t.Errorf("connected %v: each image is fetched once", got)
		}
		if c := r.config(); c.PrimaryColor != "#0f766e" || c.TwilioAccountSID == "" {
			t.Errorf("the other settings are gone: %+v", c)
		}
		r.wantOnlyPublic()
		x, err := r.w.Executions.DescribeExecution(r.w.Executions.ExecutionARN("provision", "op-"+id+"-provision-1"))
		if err != nil || x.Transitions > 35 {
			t.Errorf("%d transitions, %v", x.Transitions, err)
		}
	})
}

// TestWithoutImagesNothingIsTouched.
func TestWithoutImagesNothingIsTouched(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provisionBranded(fleet.Branding{PrimaryColor: "#0f766e"})
		r.wantActive(id)
		for _, c := range r.calls {
			if strings.Contains(c.Operation, "Bucket") || strings.Contains(c.Operation, "Object") {
				t.Errorf("%s was called", c.Operation)
			}
		}
		if got := r.w.Vendors.Edge.Connected(); len(got) > 0 || r.config().LogoURL != "" {
			t.Errorf("connected %v, %+v", got, r.config())
		}
	})
}

// TestStorageTroubleWithImages: each of Storage's calls goes wrong once in every way, and all is in place at the end; where
// Storage refuses for good, the instance has the default look, and an incident for each thing that is not in place.
func TestStorageTroubleWithImages(t *testing.T) {
	t.Parallel()
	for i, call := range []string{"supabase.CreateBucket=%s@1", "supabase.UploadObject=%s@1", "supabase.UploadObject=%s@2", "supabase.UploadObject=%s@3"} {
		for j, kind := range []string{"lost", "500-after", "delayed", "hang", "refused", "429", "429-retry", "500-before"} {
			if !tried(i+j, 3) {
				continue
			}
			script := fmt.Sprintf(call, kind)
			t.Run(script, func(t *testing.T) {
				t.Parallel()
				inBubble(t, faults(t, script), func(r *rig) {
					id := r.provisionBranded(sampleImages)
					r.wantActive(id)
					r.wantBranded(id)
					if found := r.branding(id); len(found) > 0 {
						t.Errorf("%+v", found)
					}
				})
			})
		}
	}
	for script, want := range map[string]string{"supabase.CreateBucket=403@1+": "branding/bucket", "supabase.UploadObject=403@1+": "branding/favicon branding/logo", "supabase.UploadObject=403@3": "branding/theme"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, script), func(r *rig) {
				id := r.provisionBranded(sampleImages)
				r.wantActive(id)
				var got []string
				for _, i := range r.branding(id) {
					got = append(got, i.ID)
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%q, want %q", got, want)
				}
			})
		})
	}
}

// TestImagesSurviveAnyDeath lets the step die once at each of its points, and once run twice at once: both images are there.
func TestImagesSurviveAnyDeath(t *testing.T) {
	t.Parallel()
	const function = "configure-branding"
	var mu sync.Mutex
	var points []world.Point
	inBubble(t, func(o *world.Options) {
		o.Hooks.Dies = func(p world.Point) bool {
			if mu.Lock(); p.Function == function {
				points = append(points, p)
			}
			mu.Unlock()
			return false
		}
	}, func(r *rig) { r.provisionBranded(sampleImages) })
	if len(points) < 20 {
		t.Fatalf("%d points are too few", len(points))
	}
	judge := func(r *rig) {
		id := r.provisionBranded(sampleImages)
		r.wantActive(id)
		r.wantBranded(id)
		if found := r.branding(id); len(found) > 0 {
			r.t.Errorf("%+v", found)
		}
		if asked := len(r.w.Vendors.Edge.Connected()); asked > 3 {
			r.t.Errorf("images were fetched %d times", asked)
		}
	}
	for i, point := range points {
		if !tried(i, 3) {
			continue
		}
		t.Run(fmt.Sprintf("%+v", point), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(o *world.Options) { o.Hooks.Dies = func(p world.Point) bool { return p == point } }, judge)
		})
	}
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(o *world.Options) {
			o.Hooks.Twice = func(f string, n int) bool { return f == function && n == 1 }
		}, judge)
	})
}

// TestImageThatKillsIsGivenUp: an image over which every invocation dies doesn't take the instance along.
func TestImageThatKillsIsGivenUp(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		o.Hooks.Dies = func(p world.Point) bool { // before it is stored; the bucket's creation is the first invocation's first call
			return p.Function == "configure-branding" && !p.Commit && !p.After && (p.N == 2 || p.N == 1 && p.Invocation > 1)
		}
	}, func(r *rig) {
		look := sampleImages
		look.FaviconURL = ""
		id := r.provisionBranded(look)
		r.wantActive(id)
		found := r.branding(id)
		if len(found) != 1 || found[0].ID != "branding/logo" || !strings.Contains(found[0].Reason, "untimely") {
			t.Errorf("%+v", found)
		}
		if asked := len(r.w.Vendors.Edge.Connected()); asked != 5 {
			t.Errorf("it was fetched %d times", asked)
		}
	})
}

// TestImagesGoWithTheInstance: a provisioning that fails after its images were stored leaves no incident about them.
func TestImagesGoWithTheInstance(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "supabase.CreateUser=403@1+"), func(r *rig) {
		look := sampleImages
		look.LogoURL = "https://gone.example/logo.png"
		id := r.provisionBranded(look)
		r.wantClean(id)
		for _, i := range r.branding(id) {
			if i.ClosedAt.IsZero() {
				t.Errorf("still open: %+v", i)
			}
		}
		entry, err := r.w.Store.Resource(r.ctx, id, fleet.BrandingAsset, "favicon")
		if err != nil || entry == nil || entry.Status != fleet.Removed {
			t.Errorf("%+v, %v", entry, err)
		}
	})
}

// TestPageKnowsItsLook: config.js, as visitors get it, has the colours, and leads to the theme where there are images.
func TestPageKnowsItsLook(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]fleet.Branding{"nothing": {}, "a colour": {PrimaryColor: "#0f766e"}, "all": sampleImages} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				id := r.provisionBranded(look)
				config := r.pageConfig(id)
				want := map[string]string{"VITE_PRIMARY_COLOR": look.PrimaryColor, "VITE_SECONDARY_COLOR": look.SecondaryColor, "VITE_THEME_URL": ""}
				if look.HasImages() {
					want["VITE_THEME_URL"] = r.themeAddress(id)
				}
				for key, value := range want {
					if got, there := config[key]; got != value || there != (value != "") {
						t.Errorf("%s is %q, want %q", key, got, value)
					}
				}
				if config["VITE_INSTANCE_ID"] != id {
					t.Errorf("config.js: %v", config)
				}
			})
		})
	}
}

// pageConfig is what an instance's config.js holds.
func (r *rig) pageConfig(id string) (config map[string]string) {
	r.t.Helper()
	site, live := r.w.Vendors.Vercel.Serve(r.instance(id).Host)
	text, there := site.File("config.js")
	body, found := strings.CutPrefix(strings.TrimSuffix(string(text), ";\n"), "window.__GIMBAL__ = ")
	if err := json.Unmarshal([]byte(body), &config); err != nil || !live || !there || !found {
		r.t.Fatalf("config.js: %s, %v", text, err)
	}
	return config
}
