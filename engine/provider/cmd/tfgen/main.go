// Command tfgen writes the Pulumi schema that cmd/provider embeds:
//
//	tfgen schema --out cmd/provider
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"

	"luodi/engine/provider/info"
)

func main() { tfgen.Main(info.Name, info.Version, info.Provider()) }
