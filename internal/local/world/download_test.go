package world_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

var (
	downloadPattern = regexp.MustCompile(`http://fleet\.test(/downloads/\S+)`)
	codePattern     = regexp.MustCompile(`(?m)^[0-9]{8}$`)
	hrefPattern     = regexp.MustCompile(`href="([^"]+)"`)
	asks            = url.Values{"do": {"ask"}}
)

// exported exports the instance and gives the export's id and the path of the link that the administrator was sent.
func (e *exporting) exported() (export, path string) {
	e.t.Helper()
	o := e.begin()
	e.settle()
	e.invoke("deliver")
	mails := e.mailed(e.id, fleet.ExportReady(o.Operation))
	if len(mails) != 1 || mails[0].To != "ada@acme-dental.example" {
		e.t.Fatalf("mails: %+v", mails)
	}
	found := downloadPattern.FindStringSubmatch(mails[0].Text)
	if found == nil || !strings.Contains(mails[0].Text, "https://"+sampleHost) {
		e.t.Fatalf("no link: %s", mails[0].Text)
	}
	return o.Operation, found[1]
}

// code asks for the nth code of an export and gives the one that the administrator was sent.
func (r *rig) code(id, export, path string, n int) string {
	r.t.Helper()
	r.wantPage("POST", path, asks, http.StatusOK, "on its way")
	r.settle()
	return r.mailedCode(id, export, n)
}

func (r *rig) mailedCode(id, export string, n int) string {
	r.t.Helper()
	mails := r.mailed(id, fleet.CodeMessage(export, n))
	if len(mails) != 1 || mails[0].To != "ada@acme-dental.example" {
		r.t.Fatalf("mails: %+v", mails)
	}
	return codePattern.FindString(mails[0].Text)
}

func opens(code string) url.Values { return url.Values{"do": {"open"}, "code": {code}} }

// TestDownload: the link of the mail shows what there is and gives nothing; a code, which goes to the administrator alone, gives a link
// to every file once; each step is in the audit.
func TestDownload(t *testing.T) {
	t.Parallel()
	inExporting(t, nil, func(e *exporting) {
		e.upload(map[string][]byte{"a.pdf": []byte("one")})
		export, path := e.exported()
		mails := len(e.w.Vendors.SendGrid.Sent())
		for range 3 {
			e.wantPage("GET", path, nil, http.StatusOK, sampleHost, "Mail a code", "files, ")
		}
		if n := len(e.w.Vendors.SendGrid.Sent()); n != mails {
			t.Errorf("%d mails by opening it", n-mails)
		}
		code := e.code(e.id, export, path, 1)
		status, page := e.page("POST", path, opens(" "+code[:4]+"-"+code[4:]+" "))
		x := e.wantExported(export)
		links := hrefPattern.FindAllStringSubmatch(page, -1)
		if status != http.StatusOK || len(links) != x.Files {
			t.Fatalf("%d, %d links to %d files: %s", status, len(links), x.Files, page)
		}
		for _, f := range append(x.Content, view.ExportFile{Name: "manifest.json"}) {
			key := fleet.ExportKey(x.Folder, f.Name)
			if !strings.Contains(html.UnescapeString(page), "https://objects.test/"+key+"?name="+f.Name[strings.LastIndexByte(f.Name, '/')+1:]+"&valid=15m0s") {
				t.Errorf("no link to %s: %s", f.Name, page)
			}
		}
		e.wantPage("POST", path, opens(code), http.StatusUnprocessableEntity, "No code is good now")
		for action, want := range map[string]int{"download.asked": 1, "download.code_sent": 1, "download.code_right": 1, "download.links_given": 1, "download.code_wrong": 0} {
			if n := e.audited(export, action); n != want {
				t.Errorf("%s was audited %d times", action, n)
			}
		}
		e.wantAuditWhole(e.id)
		e.wantNoIncident(e.id)
	})
}

// TestWrongCodes: after five wrong codes the right one is none; another code can be asked for, once a minute and ten times a day.
func TestWrongCodes(t *testing.T) {
	t.Parallel()
	inExporting(t, exact, func(e *exporting) {
		export, path := e.exported()
		e.wantPage("POST", path, opens("12345678"), http.StatusUnprocessableEntity, "No code is good now")
		code := e.code(e.id, export, path, 1)
		for _, form := range []url.Values{{}, {"do": {"else"}}, opens(""), opens("1234567"), opens("123456789"), opens("١٢٣٤٥٦٧٨"), opens("0x123456")} {
			e.wantPage("POST", path, form, http.StatusUnprocessableEntity, "trouble")
		}
		e.wantPage("POST", path, asks, http.StatusTooManyRequests, "in a minute")
		for n := range fleet.CodeTries {
			text := fmt.Sprintf("Tries left: %d", fleet.CodeTries-1-n)
			if n == fleet.CodeTries-1 {
				text = "tried too often"
			}
			e.wantPage("POST", path, opens(other(code)), http.StatusUnprocessableEntity, text)
		}
		e.wantPage("POST", path, opens(code), http.StatusUnprocessableEntity, "No code is good now")
		if n := e.audited(export, "download.code_wrong"); n != fleet.CodeTries {
			t.Errorf("%d wrong codes were audited", n)
		}
		for n := range fleet.CodesADay - 1 {
			time.Sleep(fleet.CodePause)
			before := code
			if code = e.code(e.id, export, path, n+2); code == before {
				t.Error("the code is the same again")
			}
			e.wantPage("POST", path, opens(before), http.StatusUnprocessableEntity, "Tries left: 4")
		}
		time.Sleep(fleet.CodePause)
		e.wantPage("POST", path, asks, http.StatusTooManyRequests, "minutes")
		e.wantPage("POST", path, opens(code), http.StatusOK, "Each link is good for 15 minutes")
		time.Sleep(24 * time.Hour)
		e.code(e.id, export, path, fleet.CodesADay+1)
		e.wantAuditWhole(e.id)
	})
}

// other is a code that differs from one in its last digit.
func other(code string) string {
	return code[:len(code)-1] + string('0'+(code[len(code)-1]-'0'+1)%10)
}

// TestDownloadIsOver: a code ends after ten minutes, the link with the files, and all of it with the instance.
func TestDownloadIsOver(t *testing.T) {
	t.Parallel()
	inExporting(t, exact, func(e *exporting) {
		export, path := e.exported()
		code := e.code(e.id, export, path, 1)
		time.Sleep(fleet.CodeValid)
		e.wantPage("POST", path, opens(code), http.StatusUnprocessableEntity, "No code is good now")
		x := e.record(export)
		time.Sleep(time.Until(x.ExpiresAt) - time.Second)
		e.wantPage("GET", path, nil, http.StatusOK)
		time.Sleep(time.Second)
		for method, form := range map[string]url.Values{"GET": nil, "POST": asks} {
			e.wantPage(method, path, form, http.StatusGone, "its files are deleted")
		}
	})
}

// TestDownloadOfAnother: the link to one instance's export, and its code, open no other's, nor another export of the same one.
func TestDownloadOfAnother(t *testing.T) {
	t.Parallel()
	inExporting(t, exact, func(e *exporting) {
		first, path := e.exported()
		code := e.code(e.id, first, path, 1)
		second, another := e.exported()
		e.wantPage("POST", another, opens(code), http.StatusUnprocessableEntity, "No code is good now")
		time.Sleep(fleet.CodePause)
		if got := e.code(e.id, second, another, 1); got == code {
			t.Error("two exports have the same code")
		}
		e.wantPage("POST", another, opens(code), http.StatusUnprocessableEntity, "Tries left: 4")
		e.wantPage("POST", path, opens(code), http.StatusOK)

		id := e.signup("msg_2", "other")
		decide := strings.TrimPrefix(e.link(id), "/decisions/")
		e.approve(id)
		e.settle()
		claims := func(instance, export, audience string) string {
			return compact(t, linkSecret, fmt.Sprintf(`{"sub":%q,"aud":[%q],"jti":%q,"exp":9999999999}`, instance, audience, export))
		}
		for name, token := range map[string]string{"another's instance": claims(id, first, "gimbal-fleet/downloads"), "no export": claims(e.id, "x", "gimbal-fleet/downloads"),
			"another purpose": claims(e.id, first, "gimbal-fleet/decisions"), "a link to decide": decide, "nothing": "x"} {
			for method, form := range map[string]url.Values{"GET": nil, "POST": asks} {
				if status, body := e.page(method, "/downloads/"+token, form); status != http.StatusNotFound || strings.Contains(body, sampleHost) {
					t.Errorf("%s: %s answered %d: %s", name, method, status, body)
				}
			}
		}
		e.wantPage("GET", "/decisions/"+strings.TrimPrefix(path, "/downloads/"), nil, http.StatusNotFound)
	})
}

// TestCodeManyTimesAtOnce: of many who show the code at once one gets the files; wrong ones are counted each.
func TestCodeManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	inExporting(t, exact, func(e *exporting) {
		export, path := e.exported()
		code := e.code(e.id, export, path, 1)
		if given := e.atOnce(20, path, opens(code)); given != 1 {
			t.Errorf("the files were given %d times", given)
		}
		time.Sleep(fleet.CodePause)
		code = e.code(e.id, export, path, 2)
		e.atOnce(20, path, opens(other(code)))
		if n := e.audited(export, "download.code_wrong"); n != fleet.CodeTries {
			t.Errorf("%d tries were counted", n)
		}
		e.wantPage("POST", path, opens(code), http.StatusUnprocessableEntity, "No code is good now")
	})
}

// atOnce sends a form many times at once and counts the answers with files.
func (r *rig) atOnce(times int, path string, form url.Values) (given int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range times {
		all.Go(func() {
			if status, _ := r.page("POST", path, form); status == http.StatusOK {
				mu.Lock()
				defer mu.Unlock()
				given++
			}
		})
	}
	all.Wait()
	return given
}

// TestDownloadDies lets the invocation die before and after each commit and each sending on the way from the question to the files:
// the administrator gets them at last, a code opens them once, and no two mails bring the same message.
func TestDownloadDies(t *testing.T) {
	t.Parallel()
	play := func(t *testing.T, dies func(world.Point) bool) {
		armed := false
		inExporting(t, func(o *world.Options) {
			o.Hooks.Dies = func(p world.Point) bool { return armed && dies(p) }
		}, func(e *exporting) {
			export, path := e.exported()
			armed = true
			given := false
			for range 4 {
				if !given {
					e.tried(path, asks)
					e.ticks(2)
					given = e.tried(path, opens(e.latestCode(export))) == http.StatusOK
				}
			}
			if n := e.audited(export, "download.links_given"); !given || n < 1 || n > 2 {
				t.Errorf("given %t, audited %d times", given, n)
			}
			e.wantAuditWhole(e.id)
		})
	}
	var mu sync.Mutex
	var points []world.Point
	play(t, func(p world.Point) bool {
		mu.Lock()
		defer mu.Unlock()
		points = append(points, p)
		return false
	})
	if len(points) < 10 {
		t.Fatalf("%d points are too few", len(points))
	}
	for _, point := range points {
		t.Run(fmt.Sprintf("%+v", point), func(t *testing.T) {
			t.Parallel()
			play(t, func(p world.Point) bool { return p == point })
		})
	}
}

// latestCode is the last code that came by mail; each came once.
func (e *exporting) latestCode(export string) (code string) {
	e.t.Helper()
	for n := range fleet.CodesADay {
		mails := e.mailed(e.id, fleet.CodeMessage(export, n+1))
		if len(mails) > 1 {
			e.t.Errorf("%d mails bring code %d", len(mails), n+1)
		}
		for _, m := range mails {
			code = codePattern.FindString(m.Text)
		}
	}
	return code
}

// tried sends a form whatever becomes of it, and gives the answer's status.
func (r *rig) tried(path string, form url.Values) int {
	q := httptest.NewRequestWithContext(r.ctx, "POST", path, strings.NewReader(form.Encode()))
	out := httptest.NewRecorder()
	r.w.Front().ServeHTTP(out, q)
	return out.Code
}

// TestDownloadAnswersLost: a commit whose answer is lost is found by its own try again: the code is neither used up by itself nor counted
// twice.
func TestDownloadAnswersLost(t *testing.T) {
	t.Parallel()
	inExporting(t, func(o *world.Options) {
		o.Hooks.Loses = func(p world.Point) bool { return p.Function == "give-download" }
	}, func(e *exporting) {
		export, path := e.exported()
		code := e.code(e.id, export, path, 1)
		e.wantPage("POST", path, opens(other(code)), http.StatusUnprocessableEntity, "Tries left: 4")
		e.wantPage("POST", path, opens(code), http.StatusOK, "media.tar")
		e.wantPage("POST", path, opens(code), http.StatusUnprocessableEntity, "No code is good now")
		e.wantAuditWhole(e.id)
	})
}

// TestDownloadWhileSuspended: a suspended instance's export is fetched as an active one's is; a terminated one's isn't.
func TestDownloadWhileSuspended(t *testing.T) {
	t.Parallel()
	inExporting(t, exact, func(e *exporting) {
		e.suspend(e.id)
		e.settle()
		export, path := e.exported()
		code := e.code(e.id, export, path, 1)
		e.wantPage("POST", path, opens(code), http.StatusOK, "media.tar")
		time.Sleep(fleet.CodePause)
		code = e.code(e.id, export, path, 2)
		if err := e.w.Store.Update(e.ctx, e.id, func(tx *store.Tx) error {
			i, err := tx.Instance()
			if err != nil {
				return err
			}
			i.State = fleet.Terminated
			return tx.PutInstance(i)
		}); err != nil {
			t.Fatal(err)
		}
		for _, form := range []url.Values{nil, asks, opens(code)} {
			method := "POST"
			if form == nil {
				method = "GET"
			}
			e.wantPage(method, path, form, http.StatusGone, "come to its end")
		}
	})
}

// TestResendDownload: an operator has the link sent once more, which is a link to the same export; a code is sent by its page alone.
func TestResendDownload(t *testing.T) {
	t.Parallel()
	inExporting(t, exact, func(e *exporting) {
		export, path := e.exported()
		e.code(e.id, export, path, 1)
		answer := e.resend(e.id, fleet.ExportReady(export))
		mails := e.mailed(e.id, answer.Message.ID)
		if len(mails) != 1 || answer.Message.Status != fleet.MessageSent {
			t.Fatalf("%+v, %+v", answer, mails)
		}
		e.wantPage("GET", downloadPattern.FindStringSubmatch(mails[0].Text)[1], nil, http.StatusOK, sampleHost)
		e.refused(http.StatusConflict, "POST", "/instances/"+e.id+"/resend", `{"message":"`+fleet.CodeMessage(export, 1)+`"}`, "another one on the page")
	})
}

// TestSpoiltDownload: where the manifest is not what was verified, no file is given.
func TestSpoiltDownload(t *testing.T) {
	t.Parallel()
	inExporting(t, exact, func(e *exporting) {
		export, path := e.exported()
		code := e.code(e.id, export, path, 1)
		if err := e.files.Put(e.ctx, e.record(export).Folder+fleet.ManifestName, []byte(`{"files":[{"name":"../../other/database.sql"}]}`)); err != nil {
			t.Fatal(err)
		}
		e.wantPage("POST", path, opens(code), http.StatusInternalServerError, "no file is given out")
		if n := e.audited(export, "download.links_given"); n != 0 {
			t.Errorf("links were given %d times", n)
		}
	})
}
