// Command provider is pulumi-resource-tencentcloud.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	"luodi/engine/provider/info"
)

// schema is written by cmd/tfgen when the engine is built, and not committed.
//
//go:embed schema.json
var schema []byte

func main() { tfbridge.Main(info.Name, info.Version, info.Provider(), schema) }
