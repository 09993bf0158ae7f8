package picture_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/picture"
)

func sample(width, height int) image.Image {
	return image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black, color.White})
}

func encoded(t testing.TB, format string, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, sample(width, height))
	case "jpeg":
		err = jpeg.Encode(&b, sample(width, height), nil)
	case "gif":
		err = gif.Encode(&b, sample(width, height), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lossless is the beginning of a WebP; more of it is not read.
func lossless(width, height int) []byte {
	bits := uint32(width-1) | uint32(height-1)<<14
	chunk := append([]byte{0x2f}, binary.LittleEndian.AppendUint32(nil, bits)...)
	chunk = append(chunk, 0)
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(4+8+len(chunk)))...)
	b = append(b, "WEBPVP8L"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(chunk)-1))
	return append(b, chunk...)
}

// icon is an ICO of images in the order given, each a side and its data.
func icon(images ...iconImage) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{0, 0, 1, 0}, uint16(len(images)))
	at := uint32(6 + 16*len(images))
	for _, i := range images {
		b = append(b, byte(i.side), byte(i.side), 0, 0, 1, 0, 32, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(i.data)))
		b = binary.LittleEndian.AppendUint32(b, at)
		at += uint32(len(i.data))
	}
	for _, i := range images {
		b = append(b, i.data...)
	}
	return b
}

type iconImage struct {
	side int
	data []byte
}

func bitmap(width, height uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 40)
	b = binary.LittleEndian.AppendUint32(b, width)
	b = binary.LittleEndian.AppendUint32(b, height)
	return append(b, make([]byte, 60)...)
}

func at(b []byte, offset int, value ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[offset:], value)
	return b
}

func TestTakes(t *testing.T) {
	for name, c := range map[string]struct {
		content []byte
		use     picture.Use
		want    picture.Picture
	}{
		"png":       {encoded(t, "png", 320, 80), picture.Logo, picture.Picture{Type: "image/png", Extension: ".png", Width: 320, Height: 80}},
		"jpeg":      {encoded(t, "jpeg", 320, 80), picture.Logo, picture.Picture{Type: "image/jpeg", Extension: ".jpg", Width: 320, Height: 80}},
		"gif":       {encoded(t, "gif", 16, 16), picture.Logo, picture.Picture{Type: "image/gif", Extension: ".gif", Width: 16, Height: 16}},
		"webp":      {lossless(4096, 16), picture.Logo, picture.Picture{Type: "image/webp", Extension: ".webp", Width: 4096, Height: 16}},
		"favicon":   {encoded(t, "png", 32, 32), picture.Favicon, picture.Picture{Type: "image/png", Extension: ".png", Width: 32, Height: 32}},
		"icon":      {icon(iconImage{16, bitmap(16, 32)}, iconImage{48, bitmap(48, 96)}, iconImage{32, bitmap(32, 64)}), picture.Favicon, picture.Picture{Type: "image/x-icon", Extension: ".ico", Width: 48, Height: 48}},
		"icon, png": {icon(iconImage{16, bitmap(16, 32)}, iconImage{256, encoded(t, "png", 256, 256)}), picture.Favicon, picture.Picture{Type: "image/x-icon", Extension: ".ico", Width: 256, Height: 256}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := picture.Check(c.content, c.use)
			if err != nil || got != c.want || !slices.Contains(picture.Types(), got.Type) {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	good := icon(iconImage{16, bitmap(16, 32)})
	tooMany := make([]iconImage, 33)
	for i := range tooMany {
		tooMany[i] = iconImage{16, bitmap(16, 32)}
	}
	for name, c := range map[string]struct {
		content []byte
		use     picture.Use
		text    string
	}{
		"nothing":              {nil, picture.Logo, "is no PNG"},
		"text":                 {[]byte("hello sesame"), picture.Logo, "is no PNG"},
		"html":                 {[]byte("\n<!DOCTYPE HTML><title>sesame</title>"), picture.Logo, "web page"},
		"svg":                  {[]byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert("sesame")</script></svg>`), picture.Logo, "scripts"},
		"svg favicon":          {[]byte(`<SVG/>`), picture.Favicon, "scripts"},
		"only a signature":     {[]byte("\x89PNG\r\n\x1a\n"), picture.Logo, "damaged"},
		"truncated":            {encoded(t, "png", 32, 32)[:20], picture.Logo, "damaged"},
		"small":                {encoded(t, "png", 15, 32), picture.Logo, "15 × 32"},
		"wide":                 {encoded(t, "gif", 4097, 16), picture.Logo, "at most 4096"},
		"high":                 {lossless(16, 4097), picture.Logo, "at most 4096"},
		"a bomb":               {lossless(4096, 4096), picture.Logo, "8 million"},
		"heavy":                {append(encoded(t, "png", 32, 32), make([]byte, picture.MaxBytes)...), picture.Logo, "1 MB"},
		"icon as logo":         {good, picture.Logo, "favicons only"},
		"jpeg as favicon":      {encoded(t, "jpeg", 32, 32), picture.Favicon, "an ICO or a PNG"},
		"oblong favicon":       {encoded(t, "png", 64, 32), picture.Favicon, "square"},
		"icon of none":         {[]byte{0, 0, 1, 0, 0, 0}, picture.Favicon, "damaged"},
		"cursor":               {at(good, 2, 2), picture.Favicon, "is no PNG"},
		"icon, too many":       {icon(tooMany...), picture.Favicon, "damaged"},
		"icon, cut":            {good[:len(good)-1], picture.Favicon, "damaged"},
		"icon, no directory":   {good[:10], picture.Favicon, "damaged"},
		"icon, in directory":   {at(good, 18, 0, 0, 0, 0), picture.Favicon, "damaged"},
		"icon, offset wraps":   {at(good, 14, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), picture.Favicon, "damaged"},
		"icon, no size":        {at(good, 14, 0, 0, 0, 0), picture.Favicon, "damaged"},
		"icon, other width":    {icon(iconImage{16, bitmap(17, 32)}), picture.Favicon, "damaged"},
		"icon, other height":   {icon(iconImage{16, bitmap(16, 16)}), picture.Favicon, "damaged"},
		"icon, other header":   {icon(iconImage{16, at(bitmap(16, 32), 0, 12)}), picture.Favicon, "damaged"},
		"icon, short bitmap":   {icon(iconImage{16, bitmap(16, 32)[:39]}), picture.Favicon, "damaged"},
		"icon, other png":      {icon(iconImage{16, encoded(t, "png", 4096, 4096)}), picture.Favicon, "damaged"},
		"icon, script":         {icon(iconImage{16, []byte("<script>sesame</script>                    ")}), picture.Favicon, "damaged"},
		"icon, second damaged": {icon(iconImage{16, bitmap(16, 32)}, iconImage{32, bitmap(16, 32)}), picture.Favicon, "damaged"},
		"icon, small":          {icon(iconImage{8, bitmap(8, 16)}), picture.Favicon, "8 × 8"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := picture.Check(c.content, c.use)
			if got != (picture.Picture{}) || !fault.Is(err, fault.Rejected) || !fault.NothingHappened(err) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%+v, %v; want …%s…", got, err, c.text)
			}
			if err != nil && strings.Contains(err.Error(), "sesame") {
				t.Errorf("%q repeats the file", err)
			}
		})
	}
}

// FuzzCheck: whatever the bytes, it ends without a panic, and what it takes is within the bounds and of the types that Storage takes.
func FuzzCheck(f *testing.F) {
	webp, _ := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	for _, seed := range [][]byte{encoded(f, "png", 32, 32), encoded(f, "jpeg", 32, 32), encoded(f, "gif", 32, 32), lossless(32, 32), webp,
		icon(iconImage{16, bitmap(16, 32)}, iconImage{32, encoded(f, "png", 32, 32)}), []byte("<svg>")} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, content []byte, favicon bool) {
		use := picture.Logo
		if favicon {
			use = picture.Favicon
		}
		p, err := picture.Check(content, use)
		if err != nil {
			if !fault.Is(err, fault.Rejected) {
				t.Errorf("%v", err)
			}
			return
		}
		if p.Width < picture.MinSide || p.Height < picture.MinSide || p.Width > picture.MaxSide || p.Height > picture.MaxSide ||
			p.Extension == "" || !slices.Contains(picture.Types(), p.Type) || favicon && (p.Width != p.Height) {
			t.Errorf("took %+v", p)
		}
	})
}
