"""The LLVM tier: bodies become IR text, IR becomes machine code, which runs on the runtime's records."""

from vm.tiers.llvm.tier import LLVMTier

__all__ = ["LLVMTier"]
