// Package picture judges images that come from outside by what they hold, not by what they are called.
package picture

import (
	"bytes"
	"image"
	_ "image/gif"  // as image.DecodeConfig knows it
	_ "image/jpeg" // the same
	_ "image/png"  // the same

	_ "golang.org/x/image/webp" // the same

	"github.com/project-gimbal/fleet/internal/fault"
)

// Bounds of an image.
const (
	// MaxBytes is the largest file.
	MaxBytes = 1 << 20
	// MinSide is the smallest width or height, in pixels.
	MinSide = 16
	// MaxSide is the largest.
	MaxSide = 4096
	// maxPixels bounds what a browser has to unpack: 4 bytes each.
	maxPixels = 8 << 20
)

// Use is what an image is for.
type Use string

const (
	// Logo: PNG, JPEG, WebP or GIF.
	Logo Use = "logo"
	// Favicon: ICO or PNG, square.
	Favicon Use = "favicon"
)

// Picture is what was found.
type Picture struct {
	Type          string // media type, such as "image/png"
	Extension     string // of a file's name, with the dot
	Width, Height int    // pixels; of an ICO its largest image's
}

// formats are those of image.DecodeConfig, by its names.
var formats = map[string]Picture{
	"png":  {Type: "image/png", Extension: ".png"},
	"jpeg": {Type: "image/jpeg", Extension: ".jpg"},
	"gif":  {Type: "image/gif", Extension: ".gif"},
	"webp": {Type: "image/webp", Extension: ".webp"},
}

// iconType is the media type of an ICO.
const iconType = "image/x-icon"

// Types lists the media types that an image of any use can have.
func Types() []string {
	return []string{"image/png", "image/jpeg", "image/webp", "image/gif", iconType}
}

// Check judges a file for a use. Only headers are read, nothing is unpacked. A file that is no fit image is Rejected, in words
// for people and without any of the file's own.
func Check(content []byte, use Use) (Picture, error) {
	p, err := inspect(content, use)
	if err != nil {
		return Picture{}, err
	}
	switch {
	case p.Width < MinSide || p.Height < MinSide:
		return Picture{}, unfit("the image is %d × %d pixels; at least %d × %d are needed", p.Width, p.Height, MinSide, MinSide)
	case p.Width > MaxSide || p.Height > MaxSide || p.Width*p.Height > maxPixels:
		return Picture{}, unfit("the image is %d × %d pixels; at most %d a side are taken, and 8 million in all", p.Width, p.Height, MaxSide)
	case use == Favicon && p.Width != p.Height:
		return Picture{}, unfit("the image is %d × %d pixels; a favicon is square", p.Width, p.Height)
	}
	return p, nil
}

func inspect(content []byte, use Use) (p Picture, err error) {
	defer func() {
		if recover() != nil { // the parsers are other people's, and so is the file
			p, err = Picture{}, unfit("the file can't be read as an image")
		}
	}()
	if len(content) > MaxBytes {
		return Picture{}, unfit("the file is larger than 1 MB")
	}
	if isIcon(content) {
		if use != Favicon {
			return Picture{}, unfit("an ICO is for favicons only; a logo is a PNG, JPEG, WebP or GIF")
		}
		return icon(content)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return Picture{}, unreadable(content)
	}
	p = formats[format]
	if use == Favicon && format != "png" {
		return Picture{}, unfit("a favicon is an ICO or a PNG")
	}
	p.Width, p.Height = config.Width, config.Height
	return p, nil
}

// unreadable says what is taken instead, and of the likely mistakes which one it is.
func unreadable(content []byte) error {
	head := bytes.ToLower(content[:min(len(content), 1024)])
	switch {
	case bytes.Contains(head, []byte("<svg")):
		return unfit("an SVG may hold scripts and is not taken; export it as PNG or WebP")
	case bytes.Contains(head, []byte("<html")), bytes.Contains(head, []byte("<!doctype html")):
		return unfit("there is a web page at the address, no image")
	}
	return unfit("the file is no PNG, JPEG, WebP, GIF or ICO, or is damaged")
}

func unfit(format string, args ...any) error {
	f := fault.New(fault.Rejected, format, args...)
	f.NothingHappened = true
	return f
}
