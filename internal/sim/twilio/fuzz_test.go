package twilio_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzRequests: whatever is sent, the answer is a JSON document of Twilio's or a 204, and the state can be saved and loaded.
func FuzzRequests(f *testing.F) {
	f.Add("GET", ".json", "PageSize=1&Page=1&PageToken=PAx", "")
	f.Add("POST", "/"+parent+".json", "", "Status=closed")
	f.Add("POST", "/"+parent+"/Keys.json", "", "FriendlyName=k")
	f.Add("DELETE", "/"+parent+"/Keys/SK.json", "", "")
	f.Add("POST", "/v1/Services", "", "FriendlyName=s&InboundRequestUrl=https://x.example/%25&UseInboundWebhookOnNumber=false")
	f.Add("GET", "/v1/Services", "PageSize=1&Page=1&PageToken=PAx", "")
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		if method != "GET" && method != "POST" && method != "DELETE" {
			return
		}
		s := open(t)
		if !strings.HasPrefix(path, "/v1/") {
			path = root + path
		}
		req := httptest.NewRequest(method, root+".json", strings.NewReader(body))
		req.URL = &url.URL{Path: path, RawQuery: query}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(parent, token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		if w.Code != 204 && w.Code/100 != 3 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %q", w.Code, w.Body)
		}
		saved, err := s.Save()
		if err == nil {
			err = s.Load(saved)
		}
		if err != nil {
			t.Error(err)
		}
	})
}
