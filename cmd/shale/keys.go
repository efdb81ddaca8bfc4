package main

import (
	"encoding/base64"
	"encoding/hex"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/mvcc"
)

// keyOptions say how keys and values are written on the command line and in tables: as text
// with Go escapes, or as bytes.
type keyOptions struct{ hex, base64 bool }

func (o *keyOptions) register(c *cobra.Command) {
	c.Flags().BoolVar(&o.hex, "hex", false, "keys and values are written in hexadecimal")
	c.Flags().BoolVar(&o.base64, "base64", false, "keys and values are written in base64")
}

func (o *keyOptions) validate() error {
	if o.hex && o.base64 {
		return usageError("--hex and --base64 exclude each other")
	}
	return nil
}

// parse reads a key.
func (o *keyOptions) parse(text string) (mvcc.Key, error) {
	if !o.hex && !o.base64 {
		return mvcc.ParseKey(text)
	}
	raw, err := o.decode(text)
	return mvcc.Key(raw), err
}

func (o *keyOptions) parseAll(texts []string) ([]mvcc.Key, error) {
	keys := make([]mvcc.Key, len(texts))
	for i, text := range texts {
		k, err := o.parse(text)
		if err != nil {
			return nil, err
		}
		if err := mvcc.ValidateKey(k); err != nil {
			return nil, err
		}
		keys[i] = k
	}
	return keys, nil
}

// decode reads a value: as it stands, unless the flags say otherwise.
func (o *keyOptions) decode(text string) (raw []byte, err error) {
	switch {
	case o.hex && o.base64:
		return nil, o.validate()
	case o.hex:
		if raw, err = hex.DecodeString(text); err != nil {
			return nil, usageError("%q is not hexadecimal", text)
		}
	case o.base64:
		if raw, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, usageError("%q is not base64", text)
		}
	default:
		raw = []byte(text)
	}
	return raw, nil
}

// format prints a key or a value for people.
func (o *keyOptions) format(raw []byte) string {
	switch {
	case o.hex:
		return hex.EncodeToString(raw)
	case o.base64:
		return base64.StdEncoding.EncodeToString(raw)
	}
	return mvcc.FormatValue(raw, 0)
}
