package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// An ICO is a directory of images: 6 bytes of header, and 16 bytes an entry. Each image is a whole PNG, or a Windows bitmap
// without its file header.
// https://learn.microsoft.com/previous-versions/ms997538(v=msdn.10)
const (
	iconHeader = 6
	iconEntry  = 16
	// mostIcons is how many images one may hold; those in use have three to ten.
	mostIcons = 32
	// bitmapHeader is the size of a BITMAPINFOHEADER, the only one that an ICO has.
	bitmapHeader = 40
)

var pngSignature = []byte("\x89PNG\r\n\x1a\n")

// isIcon tells by the reserved field and the type. The latter is 2 for a cursor, which is none.
func isIcon(content []byte) bool {
	return len(content) >= iconHeader && bytes.Equal(content[:4], []byte{0, 0, 1, 0})
}

// icon reads an ICO's directory: every entry must lie within the file, behind the directory, and be of the size it says.
func icon(content []byte) (Picture, error) {
	count := int(binary.LittleEndian.Uint16(content[4:]))
	directory := iconHeader + count*iconEntry
	if count == 0 || count > mostIcons || directory > len(content) {
		return Picture{}, damagedIcon()
	}
	largest := Picture{Type: iconType, Extension: ".ico"}
	for n := range count {
		width, height, ok := iconImage(content, content[iconHeader+n*iconEntry:][:iconEntry], directory)
		if !ok {
			return Picture{}, damagedIcon()
		}
		if width*height > largest.Width*largest.Height {
			largest.Width, largest.Height = width, height
		}
	}
	return largest, nil
}

// iconImage gives the size of the image that a directory's entry is about. A side of 256 is written as 0.
func iconImage(content, entry []byte, directory int) (width, height int, ok bool) {
	width, height = side(entry[0]), side(entry[1])
	size, offset := int64(binary.LittleEndian.Uint32(entry[8:])), int64(binary.LittleEndian.Uint32(entry[12:]))
	if size == 0 || offset < int64(directory) || offset+size > int64(len(content)) {
		return 0, 0, false
	}
	data := content[offset : offset+size]
	if bytes.HasPrefix(data, pngSignature) {
		config, format, err := image.DecodeConfig(bytes.NewReader(data))
		return width, height, err == nil && format == "png" && config.Width == width && config.Height == height
	}
	if len(data) < bitmapHeader || binary.LittleEndian.Uint32(data) != bitmapHeader {
		return 0, 0, false
	}
	// A bitmap's height counts the colours and the mask that follows them.
	wide, high := binary.LittleEndian.Uint32(data[4:]), binary.LittleEndian.Uint32(data[8:])
	return width, height, int64(wide) == int64(width) && int64(high) == 2*int64(height)
}

func side(b byte) int {
	if b == 0 {
		return 256
	}
	return int(b)
}

func damagedIcon() error { return unfit("the ICO is damaged") }
