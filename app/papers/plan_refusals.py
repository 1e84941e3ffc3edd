"""What the plan reader says no to, each with a stable code and a sentence that says what to do."""

from app.errors import DomainError, Kind
from app.messages import N_


class PlanRefused(DomainError):
    """The common parent: a file that cannot be read as a plan."""

    kind = Kind.UNSUPPORTED
    code = "plan_refused"
    message = N_("This file cannot be read as a plan.")


class PlanEmpty(PlanRefused):
    """Nothing in it."""

    kind = Kind.INVALID
    code = "plan_empty"
    message = N_("The file is empty. Choose the file that holds the plan.")


class PlanTooLarge(PlanRefused):
    """More bytes than a plan has."""

    kind = Kind.TOO_LARGE
    code = "plan_too_large"
    message = N_("The file is larger than %(limit)s MB. Take out the pictures, or upload the plan without its annexes.")


class PlanTooLong(PlanRefused):
    """More text than a plan has."""

    kind = Kind.TOO_LARGE
    code = "plan_too_long"
    message = N_("The file has more text than a plan can have (%(limit)s characters). Upload the plan alone.")


class PlanTooManyLines(PlanRefused):
    """More lines than a plan has."""

    kind = Kind.TOO_LARGE
    code = "plan_too_many_lines"
    message = N_("The file has more than %(limit)s lines. Upload the plan alone, without lists and annexes.")


class PlanLineTooLong(PlanRefused):
    """One line that no person wrote."""

    kind = Kind.INVALID
    code = "plan_line_too_long"
    message = N_("Line %(line)s has more than %(limit)s characters. Check whether its line breaks were lost.")


class PlanOldWord(PlanRefused):
    """A .doc of Word 97-2003."""

    code = "plan_old_word"
    message = N_("This is a Word 97-2003 file. Open it, save it as .docx and upload that.")


class PlanWps(PlanRefused):
    """A .wps file."""

    code = "plan_wps"
    message = N_("This is a WPS file. Open it in WPS, save it as .docx and upload that.")


class PlanOfd(PlanRefused):
    """An .ofd file."""

    code = "plan_ofd"
    message = N_("This is an OFD file. Export it as .docx or as PDF with text and upload that.")


class PlanRtf(PlanRefused):
    """An .rtf file."""

    code = "plan_rtf"
    message = N_("This is an RTF file. Open it, save it as .docx and upload that.")


class PlanWebPage(PlanRefused):
    """A saved web page."""

    code = "plan_web_page"
    message = N_("This is a saved web page. Copy its text into a .txt or .docx file and upload that.")


class PlanFormatUnknown(PlanRefused):
    """A workbook, an archive, a picture: known, but no plan."""

    code = "plan_format_unknown"
    message = N_("A plan is read from .txt, .docx or .pdf. Save it in one of these and upload that.")


class PlanBinary(PlanRefused):
    """Bytes without text in any encoding."""

    code = "plan_binary"
    message = N_("The file has no readable text. Save the plan as .txt, .docx or .pdf and upload that.")


class PlanScan(PlanRefused):
    """A PDF of pictures."""

    code = "plan_scan"
    message = N_("The PDF holds pictures without text. Recognise its text first (OCR), or upload the .docx.")


class PlanEncrypted(PlanRefused):
    """Locked with a password."""

    code = "plan_encrypted"
    message = N_("The file is locked with a password. Remove the password and upload it again.")


class PlanDamaged(PlanRefused):
    """It says it is a document, but cannot be opened."""

    kind = Kind.INVALID
    code = "plan_damaged"
    message = N_("The file is damaged and cannot be opened. Save it again and upload that.")


class PlanUnsafe(PlanRefused):
    """An archive that swells, or holds more than it declares."""

    kind = Kind.INVALID
    code = "plan_unsafe"
    message = N_("The file unpacks to far more than a plan needs and was not opened. Save it again in Word or WPS.")


class PlanTooSlow(PlanRefused):
    """A PDF built so that reading it does not end."""

    kind = Kind.INVALID
    code = "plan_too_slow"
    message = N_("The PDF takes too long to read. Print it to a new PDF, or upload the .docx.")


class NotAPlan(PlanRefused):
    """Text, but neither a title nor a task."""

    kind = Kind.INVALID
    code = "plan_not_recognised"
    message = N_("No title and no task were found in it. Check that this is the text of a plan.")
